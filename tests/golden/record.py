"""Record the fingerprints again: python -m tests.golden.record. Review the difference."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from matey_core.models import MODELS, Model
from tests.formula import NAMES, batch_of, fill_by_formula, spec_of, tiny_model

SHAPES = ((40,), (24, 20), (8, 16, 12))
ODD = ((41,), (23, 20), (7, 16, 9))
ELSEWHERE = ("matey", "paper")
"""Above by its schemes; and by published values, in `tests/numerics`."""


def tiny_of(variant: str) -> Model:
    """The smallest model of a variant in 1D, 2D and 3D, filled by formula."""
    model = MODELS[variant].tiny().build(fields=NAMES[:2], num_axes=(1, 2, 3))
    fill_by_formula(model)
    return model


def pyramid_before() -> Model:
    """A pyramid as it was before its blocks knew the whole sample."""
    config = MODELS["pyramid"].tiny().model_copy(update={"global_context": False})
    model = config.build(fields=NAMES[:2], num_axes=(1, 2, 3))
    fill_by_formula(model)
    return model


CASES: dict[str, tuple[Callable[[], Model], tuple[int, ...]]] = (
    {
        f"{scheme}-{tokenizer}-{len(shape)}d": (
            partial(tiny_model, scheme=scheme, name=tokenizer),
            shape,
        )
        for scheme in ("full", "factorized", "axial")
        for tokenizer in ("uniform", "adap_mix", "adap_mul")
        for shape in SHAPES
        if (scheme, tokenizer) != ("axial", "adap_mix")
    }
    | {
        f"{variant}-{len(shape)}d": (partial(tiny_of, variant), shape)
        for variant in MODELS.names()
        if variant not in ELSEWHERE
        for shape in ODD
    }
    | {f"pyramid-before-{len(shape)}d": (pyramid_before, shape) for shape in ODD}
)
RECORDED = Path(__file__).with_name("fingerprints.json")


def fingerprint(case: str) -> list[float]:
    """Return the mean, the spread and six probes of a tiny model's increment."""
    make, shape = CASES[case]
    model = make()
    batch = batch_of(spec_of(shape, boundary="no_flux"))
    with torch.inference_mode():
        change = (model(batch).values - batch.history[:, -1:]).double().flatten()
    probes = change[:: len(change) // 6][:6]
    return [change.mean().item(), change.std().item(), *probes.tolist()]


if __name__ == "__main__":
    values = {case: [round(x, 7) for x in fingerprint(case)] for case in CASES}
    RECORDED.write_text(json.dumps(values, indent=1) + "\n")
