"""Which stores a model can be rolled out on, and how far."""

from dataclasses import dataclass

from matey_core.models import Model
from matey_core.runs.store_choice import Hindrance, candidates, choose, hindrance_of
from matey_core.runs.trained import Trained
from matey_core.store import Store
from matey_core.workflows.rollout.settings import RolloutConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Stores to roll out, and those that are left out."""

    taken: list["Chosen"]
    skipped: dict[str, str]
    """Store → why it cannot be used."""
    earlier: tuple[str, ...]
    """Stores of the trainings before a fine-tuning, which are taken only when they are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A store, its trajectories and how many frames are predicted of each."""

    store: Store
    samples: tuple[int, ...]
    steps: int
    known: int
    """How many of the predicted frames have a truth, the first ones."""


def choose_stores(config: RolloutConfig, trained: Trained, model: Model, *, history: int) -> Choice:
    """Take every store asked for, or every one that fits; say why the others are not.

    Where nothing is asked for, a fine-tuned model is rolled out on what it was fine-tuned on.

    Raises:
        ConfigError: a store asked for does not exist, does not fit, or is one of two of its
            name.
        DataError: there is none, none fits, or one is damaged.
    """
    stores = [store.giving(model.given_scales) for store in candidates(config.data, trained)]
    own = trained.tuned_on
    if config.data is None and not config.store and own:
        earlier = tuple(store.name for store in stores if store.fingerprint not in own)
        stores = [store for store in stores if store.fingerprint in own]
    else:
        earlier = ()
    taken, skipped = choose(
        stores,
        config.store,
        lambda store: _hindrance(config, store, model, history=history),
        done="rolled out",
    )
    return Choice(
        taken=[_chosen(config, store, history=history) for store in taken],
        skipped=skipped,
        earlier=earlier,
    )


def _chosen(config: RolloutConfig, store: Store, *, history: int) -> Chosen:
    known = min(config.steps, store.num_frames - config.start - history)
    return Chosen(
        store=store,
        samples=store.samples(config.split)[: config.samples],
        steps=config.steps if config.beyond else known,
        known=known,
    )


def _hindrance(
    config: RolloutConfig, store: Store, model: Model, *, history: int
) -> Hindrance | None:
    """Why a store cannot be used; None where it can."""
    if strange := hindrance_of(model, store):
        return strange
    if not store.samples(config.split):
        return Hindrance(
            reason=f"it has no {config.split} trajectories",
            remedy="Choose others with --split, or name another store with --store.",
        )
    if config.field is not None and config.field not in store.spec.names:
        return Hindrance(
            reason=f"it has no field {config.field}, only {', '.join(store.spec.names)}",
            remedy="Name another with --field, or the stores that have it with --store.",
        )
    if store.num_frames < config.start + history + (not config.beyond):
        return Hindrance(
            reason=f"its {store.num_frames} frames end before the first prediction, which is frame "
            f"{config.start + history} (start {config.start}, history {history})",
            remedy="Take a smaller --start or --history.",
        )
    return None
