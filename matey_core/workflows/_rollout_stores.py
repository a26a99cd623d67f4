"""Which stores a model can be rolled out on, and how far."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matey_core.errors import ConfigError, DataError
from matey_core.models import Model
from matey_core.store import Store
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
    by_name = {store.name: store for store in stores}
    for name in config.store:
        if name not in by_name:
            raise ConfigError(
                f"There is no store {name!r}; there are {', '.join(by_name) or 'none'}.",
                remedy="Name another with --store, or their folder with --data.",
            )
    reasons = {
        name: _reason(config, store, model, history=history) for name, store in by_name.items()
    }
    for name in config.store:
        if reasons[name]:
            raise ConfigError(f"{name} cannot be rolled out: {reasons[name]}.")
    taken = [name for name in config.store or by_name if not reasons[name]]
    if not taken:
        found = "; ".join(f"{name}: {reason}" for name, reason in reasons.items()) or "none"
        raise DataError(
            f"There is no store to roll out on ({found}).",
            remedy="Make one with `matey prepare`, or name a folder of stores with --data.",
        )
    return Choice(
        stores=tuple(_chosen(config, by_name[name], history=history) for name in taken),
        skipped={} if config.store else {name: why for name, why in reasons.items() if why},
    )


def _chosen(config: "RolloutConfig", store: Store, *, history: int) -> Chosen:
    return Chosen(
        store=store,
        samples=store.samples(config.split)[: config.samples],
        steps=min(config.steps, store.num_frames - config.start - history),
    )


def _reason(config: "RolloutConfig", store: Store, model: Model, *, history: int) -> str:
    """Why a store cannot be used; empty where it can."""
    unknown = [name for name in store.spec.names if name not in model.fields]
    if unknown:
        return f"the model does not know {', '.join(unknown)}"
    if store.spec.grid.num_axes not in model.num_axes:
        return f"the model does not know grids of {store.spec.grid.num_axes} axes"
    if not store.samples(config.split):
        return f"it has no {config.split} trajectories"
    if store.num_frames <= config.start + history:
        return (
            f"its {store.num_frames} frames end before the first prediction, which is frame "
            f"{config.start + history} (start {config.start}, history {history})"
        )
    return ""
