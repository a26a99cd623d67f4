"""Which of the stores at hand a command takes: those named, or all that it can use."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matey_core.errors import ConfigError, DataError
from matey_core.models import Model
from matey_core.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreChoice:
    """What is taken, and why the rest is not."""

    stores: tuple[Store, ...]
    skipped: dict[str, str]
    """Reason by name; empty where stores were named."""


def choose(
    stores: Sequence[Store],
    names: Sequence[str],
    hindrance: Callable[[Store], str],
    *,
    done: str,
    remedy: str = "Make one with `matey prepare`, or name a folder of stores with --data.",
) -> StoreChoice:
    """Take every store asked for, or every one that can be used.

    Args:
        stores: what there is.
        names: what is asked for; empty for all that can be used.
        hindrance: why a store cannot be used; empty where it can.
        done: what is to be done with it, such as "rolled out".
        remedy: what to do where none can be used.

    Raises:
        ConfigError: a store asked for does not exist, or cannot be used.
        DataError: none can be used.
    """
    by_name = {store.name: store for store in stores}
    for name in names:
        if name not in by_name:
            raise ConfigError(
                f"There is no store {name!r}; there are {', '.join(by_name) or 'none'}.",
                remedy="Name another with --store, or their folder with --data.",
            )
    reasons = {name: hindrance(by_name[name]) for name in names or by_name}
    for name in names:
        if reasons[name]:
            raise ConfigError(f"{name} cannot be {done}: {reasons[name]}.", remedy=remedy)
    taken = tuple(by_name[name] for name, reason in reasons.items() if not reason)
    unfit = {name: reason for name, reason in reasons.items() if reason}
    if not taken:
        found = "; ".join(f"{name}: {reason}" for name, reason in unfit.items()) or "none"
        raise DataError(f"There is no store that can be {done} ({found}).", remedy=remedy)
    return StoreChoice(stores=taken, skipped=unfit)


def strange_to(model: Model, store: Store) -> str:
    """What a model does not know of a store; empty where it knows all."""
    unknown = [name for name in store.spec.names if name not in model.fields]
    if unknown:
        return f"the model does not know {', '.join(unknown)}"
    if store.spec.grid.num_axes not in model.num_axes:
        return f"the model does not know grids of {store.spec.grid.num_axes} axes"
    return ""
