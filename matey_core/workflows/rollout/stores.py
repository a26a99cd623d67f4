"""Which stores a model can be rolled out on, and how far."""

from dataclasses import dataclass

from matey_core.models import Model
from matey_core.runs.store_choice import Hindrance, candidates, choose, hindrance_of
from matey_core.runs.trained import Trained
from matey_core.store import Store
from matey_core.workflows.rollout.settings import RolloutConfig


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


def choose_stores(config: RolloutConfig, trained: Trained, model: Model, *, history: int) -> Choice:
    """Take every store asked for, or every one that fits.

    Raises:
        ConfigError: a store asked for does not exist, does not fit, or is one of two of its
            name.
        DataError: there is none, none fits, or one is damaged.
    """
    found = choose(
        candidates(config.data, trained),
        config.store,
        lambda store: _hindrance(config, store, model, history=history),
        done="rolled out",
    )
    return Choice(
        stores=tuple(_chosen(config, store, history=history) for store in found.stores),
        skipped=found.skipped,
    )


def _chosen(config: RolloutConfig, store: Store, *, history: int) -> Chosen:
    return Chosen(
        store=store,
        samples=store.samples(config.split)[: config.samples],
        steps=min(config.steps, store.num_frames - config.start - history),
    )


def _hindrance(
    config: RolloutConfig, store: Store, model: Model, *, history: int
) -> Hindrance | None:
    """Why a store cannot be used; None where it can."""
    if store.is_static:
        return Hindrance(
            reason="it has no time axis", remedy="Name a store of trajectories with --store."
        )
    if strange := hindrance_of(model, store):
        return strange
    if not store.samples(config.split):
        return Hindrance(
            reason=f"it has no {config.split} trajectories",
            remedy="Choose others with --split, or name another store with --store.",
        )
    if store.num_frames <= config.start + history:
        return Hindrance(
            reason=f"its {store.num_frames} frames end before the first prediction, which is frame "
            f"{config.start + history} (start {config.start}, history {history})",
            remedy="Take a smaller --start or --history.",
        )
    return None
