"""What models are given beside a history: static fields, parameters, and where cells are solid."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.fields import GivenScale
from matey_core.rounding import ROUNDING
from matey_core.store import MASK, Store

Part = tuple[Store, Sequence[int]]
"""A store, and those of its trajectories that train."""


def given_of(
    store: Store, samples: Sequence[int], history: Float[Tensor, "b t c *space"]
) -> dict[str, Tensor]:
    """Read what a store gives of some trajectories.

    Args:
        store: gives what `Store.giving` was asked for.
        samples: (b,) trajectories.
        history: of each, NaN where cells are missing.

    Returns:
        By name: (b,) parameters and (b, *space) fields, on the history's device.

    Raises:
        DataError: the store is damaged.
    """
    if not store.given or not samples:
        return {}
    read = [store.read_given(sample) for sample in samples]
    given = {
        name: torch.from_numpy(np.stack([each[name] for each in read])).to(history.device)
        for name in read[0]
    }
    if MASK in store.given and MASK not in given:
        given[MASK] = mask_of(history)
    return given


def mask_of(history: Float[Tensor, "b t c *space"]) -> Float[Tensor, "b *space"]:
    """1 where the last frame of a history has a cell that is solid or missing, else 0."""
    return history[:, -1].isnan().any(1).float()


def measure_given(parts: Iterable[Part], names: Iterable[str]) -> dict[str, GivenScale]:
    """Measure how what models are given is brought to values of order one.

    Parameters that are positive in all stores go by their logarithm. A spread of zero, as of a
    parameter that all trajectories share, counts as the quantity's own size, or as one.

    Args:
        parts: stores, and the trajectories of each that train.
        names: what models shall be given; what no store has is left out.
    """
    parts = [part for part in parts if part[1]]
    found = {name: [part for part in parts if name in part[0].given] for name in names}
    return {
        name: _scale(name, those, is_required=len(those) == len(parts))
        for name, those in found.items()
        if those
    }


def _scale(name: str, parts: Sequence[Part], *, is_required: bool) -> GivenScale:
    """The scale of one quantity that all these stores have."""
    fields = [
        store.statistics[name]
        for store, _ in parts
        if any(field.name == name for field in store.static_fields)
    ]
    drawn = [store.parameters[name][list(s)] for store, s in parts if name in store.parameters]
    values = np.concatenate([np.empty(0), *drawn])
    values = values[np.isfinite(values)]
    is_log = not fields and bool(values.size) and bool((values > 0).all())
    values = np.log(values) if is_log else values
    means = [*(each["mean"] for each in fields), *([values.mean()] if values.size else [])]
    stds = [*(each["std"] for each in fields), *([values.std()] if values.size else [])]
    if not means:  # the mask, or nothing but NaN
        return GivenScale(is_required=is_required)
    center = float(np.mean(means))
    spread = float(np.sqrt(np.mean(np.square(stds) + np.square(np.subtract(means, center)))))
    if spread <= ROUNDING * abs(center):
        spread = 1.0 if is_log else abs(center) or 1.0
    return GivenScale(center=center, spread=spread or 1.0, is_log=is_log, is_required=is_required)
