"""Record the fingerprints again: python -m tests.golden.record. Review the difference."""

import json
from pathlib import Path

import torch

from tests.formula import batch_of, spec_of, tiny_model

CASES = {
    f"{scheme}-{tokenizer}-{len(shape)}d": (scheme, tokenizer, shape)
    for scheme in ("full", "factorized", "axial")
    for tokenizer in ("uniform", "adap_mix", "adap_mul")
    for shape in ((40,), (24, 20), (8, 16, 12))
    if (scheme, tokenizer) != ("axial", "adap_mix")
}
RECORDED = Path(__file__).with_name("fingerprints.json")


def fingerprint(case: str) -> list[float]:
    """Return the mean, the spread and six probes of a tiny model's increment."""
    scheme, tokenizer, shape = CASES[case]
    model = tiny_model(scheme=scheme, name=tokenizer)
    batch = batch_of(spec_of(shape, boundary="no_flux"))
    with torch.inference_mode():
        change = (model(batch).values - batch.history[:, -1:]).double().flatten()
    probes = change[:: len(change) // 6][:6]
    return [change.mean().item(), change.std().item(), *probes.tolist()]


if __name__ == "__main__":
    values = {case: [round(x, 7) for x in fingerprint(case)] for case in CASES}
    RECORDED.write_text(json.dumps(values, indent=1) + "\n")
