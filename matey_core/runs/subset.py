"""Few trajectories of a store, chosen by a seed."""

import random
from collections.abc import Sequence

from matey_core.store import Store


def short_stores(stores: Sequence[Store], n_samples: int | None) -> list[str]:
    """Name the stores that have fewer training trajectories than asked for."""
    available = {store.name: len(store.samples("train")) for store in stores}
    return [
        f"{name} has {count} training trajectories, not {n_samples}: all are taken."
        for name, count in available.items()
        if n_samples is not None and 0 < count < n_samples
    ]


def subset(store: Store, size: int | None, *, seed: int) -> tuple[int, ...]:
    """Choose training trajectories; for one seed, the smaller choice is part of the larger.

    Args:
        store: where the trajectories are.
        size: how many, at most; None for all.
        seed: decides which.
    """
    samples = list(store.samples("train"))
    if size is None:
        return tuple(samples)
    random.Random(f"{seed} {store.fingerprint}").shuffle(samples)
    return tuple(sorted(samples[:size]))
