"""Few trajectories of a store, chosen by a seed."""

import random
from collections.abc import Sequence
from typing import Literal

from matey_core.store import Store

SubsetRule = Literal["seed", "store"]
"""Whether a seed chooses the same places in every store, or others in each, by its fingerprint."""


def short_stores(stores: Sequence[Store], n_samples: int | None) -> list[str]:
    """Name the stores that have fewer training trajectories than asked for."""
    available = {store.name: len(store.samples("train")) for store in stores}
    return [
        f"{name} has {count} training trajectories, not {n_samples}: all are taken."
        for name, count in available.items()
        if n_samples is not None and 0 < count < n_samples
    ]


def subset(
    store: Store, size: int | None, *, seed: int, by: SubsetRule = "seed"
) -> tuple[int, ...]:
    """Choose training trajectories; for one seed, the smaller choice is part of the larger.

    Args:
        store: where the trajectories are.
        size: how many, at most; None for all.
        seed: decides which.
        by: whether the store's fingerprint decides as well.
    """
    samples = list(store.samples("train"))
    if size is None:
        return tuple(samples)
    random.Random(f"{seed} {store.fingerprint}" if by == "store" else f"{seed}").shuffle(samples)
    return tuple(sorted(samples[:size]))
