"""Which stores a model can be rolled out on, and how far."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matey_core.models import Model
from matey_core.store import Store
from matey_core.workflows._store_choice import choose, strange_to
from matey_core.workflows._trained import Trained, moving_stores

if TYPE_CHECKING:
    from matey_core.workflows.rollout import RolloutConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A store, its trajectories and how many frames are predicted of each."""

    store: Store
    samples: tuple[int, ...]
    steps: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What is taken, and why the rest is not."""

    stores: tuple[Chosen, ...]
    skipped: dict[str, str]


def choose_stores(
    config: "RolloutConfig", trained: Trained, model: Model, *, history: int
) -> Choice:
    """Take every store asked for, or every one that fits.

    Raises:
        ConfigError: a store asked for does not exist, or does not fit.
        DataError: no store fits, or one is damaged.
    """
    stores = moving_stores(config.data) if config.data else trained.open_stores()
    found = choose(
        stores,
        config.store,
        lambda store: _hindrance(config, store, model, history=history),
        done="rolled out",
    )
    return Choice(
        stores=tuple(_chosen(config, store, history=history) for store in found.stores),
        skipped=found.skipped,
    )


def _chosen(config: "RolloutConfig", store: Store, *, history: int) -> Chosen:
    return Chosen(
        store=store,
        samples=store.samples(config.split)[: config.samples],
        steps=min(config.steps, store.num_frames - config.start - history),
    )


def _hindrance(config: "RolloutConfig", store: Store, model: Model, *, history: int) -> str:
    """Why a store cannot be used; empty where it can."""
    if strange := strange_to(model, store):
        return strange
    if not store.samples(config.split):
        return f"it has no {config.split} trajectories"
    if store.num_frames <= config.start + history:
        return (
            f"its {store.num_frames} frames end before the first prediction, which is frame "
            f"{config.start + history} (start {config.start}, history {history})"
        )
    return ""
