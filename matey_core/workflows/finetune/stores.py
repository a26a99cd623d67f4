"""Which stores a model is fine-tuned on, and how many of their trajectories."""

import random
from collections.abc import Sequence

from matey_core.runs.sources import open_stores
from matey_core.runs.trained import Trained
from matey_core.store import Store
from matey_core.workflows.finetune.settings import FinetuneConfig


def choose_stores(config: FinetuneConfig, trained: Trained) -> tuple[list[Store], list[str]]:
    """Take the stores asked for, or else those that are new to the model, or else all."""
    if config.data is not None:
        return open_stores(config.data), []
    given = (*trained.given(), *config.given)
    found = open_stores(config.default_data)
    stores = [store for store in found if not store.giving(given).is_static]
    seen = {record.fingerprint for record in trained.records}
    new = [store for store in stores if store.fingerprint not in seen]
    if not trained.records:
        return stores, [f"It is not recorded what {trained.path} was trained on: all stores count."]
    if not new:
        return stores, [f"The model has seen every store in {config.default_data}: all are taken."]
    if len(new) < len(stores):
        names = ", ".join(store.name for store in new)
        return new, [f"Stores that the model has not seen are taken: {names}."]
    return new, []


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
