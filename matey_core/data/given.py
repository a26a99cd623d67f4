"""What models are given beside a history: static fields, parameters, and where cells are solid."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.fields import MASK, SIZE, GivenRole, GivenScale, size_key
from matey_core.rounding import ROUNDING
from matey_core.store import Store

Part = tuple[Store, Sequence[int]]
"""A store, and those of its trajectories that train."""
PLAIN: Mapping[str, GivenRole] = MappingProxyType({})


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


def measure_given(
    parts: Iterable[Part], names: Iterable[str], roles: Mapping[str, GivenRole] = PLAIN
) -> dict[str, GivenScale]:
    """Measure how what models are given is brought to values of order one.

    Parameters that are positive in all stores go by their logarithm. A spread of zero, as of a
    parameter that all trajectories share, counts as the quantity's own size, or as one.

    Args:
        parts: stores, and the trajectories of each that train.
        names: what models shall be given; what no store has is left out.
        roles: of those that are not plain.
    """
    parts = [part for part in parts if part[1]]
    scales: dict[str, GivenScale] = {}
    for name in names:
        those = [part for part in parts if name in part[0].given]
        if name == SIZE and not any(_has(store, name) for store, _ in those):
            scales |= _sizes(those)
        elif those:
            scale = _scale(name, those, is_required=len(those) == len(parts))
            scales[name] = replace(scale, role=roles.get(name, "plain"))
    return scales


def _has(store: Store, name: str) -> bool:
    """Whether a static field or a parameter has a name."""
    return name in store.parameters or any(name == field.name for field in store.static_fields)


def _sizes(parts: Sequence[Part]) -> dict[str, GivenScale]:
    """Scales of the fields themselves; a store need not have them all."""
    stores = [store for store, _ in parts]
    fields = dict.fromkeys(name for store in stores for name in store.spec.names)
    return {
        size_key(field): _pooled(
            [
                (s.statistics[field]["mean"], s.statistics[field]["std"])
                for s in stores
                if field in s.spec.names
            ],
            is_log=False,
            is_required=False,
        )
        for field in fields
    }


def _scale(name: str, parts: Sequence[Part], *, is_required: bool) -> GivenScale:
    """The scale of one quantity that all these stores have."""
    moments = [
        (store.statistics[name]["mean"], store.statistics[name]["std"])
        for store, _ in parts
        if any(field.name == name for field in store.static_fields)
    ]
    drawn = [store.parameters[name][list(s)] for store, s in parts if name in store.parameters]
    values = np.concatenate([np.empty(0), *drawn])
    values = values[np.isfinite(values)]
    is_log = not moments and bool(values.size) and bool((values > 0).all())
    if values.size:
        values = np.log(values) if is_log else values
        moments.append((values.mean(), values.std()))
    return _pooled(moments, is_log=is_log, is_required=is_required)


def _pooled(
    moments: Sequence[tuple[float, float]], *, is_log: bool, is_required: bool
) -> GivenScale:
    """One mean and spread from those of several stores; of the mask there are none."""
    if not moments:
        return GivenScale(is_required=is_required)
    means, stds = np.array(moments).T
    center = float(means.mean())
    spread = float(np.sqrt(np.mean(stds**2 + (means - center) ** 2)))
    if spread <= ROUNDING * abs(center):
        spread = 1.0 if is_log else abs(center)
    return GivenScale(center=center, spread=spread or 1.0, is_log=is_log, is_required=is_required)
