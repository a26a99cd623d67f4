"""Which of the stores at hand a command takes: those named, or all that it can use."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matey_core.errors import ConfigError, DataError
from matey_core.models import Model
from matey_core.runs.sources import open_stores
from matey_core.runs.trained import Trained
from matey_core.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Hindrance:
    """Why a store cannot be used."""

    reason: str
    remedy: str
    """What to do about it."""


STATIC = Hindrance(
    reason="it has no time axis", remedy="Name a store of trajectories with --store."
)


def candidates(data: Path | None, trained: Trained | None) -> list[Store]:
    """Open the stores of a folder, or else those that a model was trained on.

    Args:
        data: what was asked for.
        trained: the model; without one, there is a folder.

    Raises:
        DataError: there is none, or it is not recorded which they are.
    """
    if data is not None:
        return open_stores(data)
    assert trained is not None
    if not trained.records:
        raise DataError(
            f"It is not recorded what {trained.path} was trained on.",
            remedy="Name a folder of stores with --data.",
        )
    return trained.open_stores()


def choose(
    stores: Sequence[Store],
    names: Sequence[str],
    hindrance: Callable[[Store], Hindrance | None],
    *,
    done: str,
) -> tuple[list[Store], dict[str, str]]:
    """Take every store of trajectories asked for, or every one that can be used.

    Args:
        stores: what there is, at least one.
        names: what is asked for; empty for all that can be used.
        hindrance: why a store of trajectories cannot be used; None where it can.
        done: what is to be done with it, such as "rolled out".

    Returns:
        What is taken, and why the rest is not: reason by name, empty where stores were named.

    Raises:
        ConfigError: a store asked for does not exist, cannot be used, or is one of two of its
            name.
        DataError: none can be used.
    """
    known = by_name(stores, names)
    asked = {name: known[name] for name in names or known}
    found = {name: STATIC if s.is_static else hindrance(s) for name, s in asked.items()}
    unfit = {name: each for name, each in found.items() if each}
    for name in names:
        if name in unfit:
            reason, remedy = unfit[name].reason, unfit[name].remedy
            raise ConfigError(f"{name} cannot be {done}: {reason}.", remedy=remedy)
    taken = [store for name, store in asked.items() if name not in unfit]
    if not taken:
        reasons = "; ".join(f"{name}: {each.reason}" for name, each in unfit.items())
        raise DataError(
            f"There is no store that can be {done} ({reasons}).",
            remedy=" ".join(dict.fromkeys(each.remedy for each in unfit.values())),
        )
    return taken, {name: each.reason for name, each in unfit.items()}


def by_name(stores: Sequence[Store], names: Sequence[str]) -> dict[str, Store]:
    """Look stores up by name: a name that two have says nothing.

    Args:
        stores: what there is, at least one.
        names: what is asked for; empty for all.

    Raises:
        ConfigError: a store asked for does not exist, or is one of two of its name.
    """
    places = {str(store.path): store for store in stores}  # a run may record a store twice
    known: dict[str, Store] = {}
    for place, store in places.items():
        other = known.setdefault(store.name, store)
        if other is not store and (not names or store.name in names):
            raise ConfigError(
                f"Two stores have the name {store.name}: {other.path} and {place}.",
                remedy="Name the folder of one of them with --data, or rename one.",
            )
    for name in names:
        if name not in known:
            raise ConfigError(
                f"There is no store {name!r}; there are {', '.join(known)}.",
                remedy="Give --store once for each store."
                if set(name.split(",")) <= set(known)
                else "Name another with --store, or their folder with --data.",
            )
    return known


def hindrance_of(model: Model, store: Store) -> Hindrance | None:
    """What a model does not know of a store; None where it knows all."""
    unknown = [name for name in store.spec.names if name not in model.fields]
    reason = ""
    if unknown:
        reason = f"the model does not know {', '.join(unknown)}"
    elif store.spec.grid.num_axes not in model.num_axes:
        reason = f"the model does not know grids of {store.spec.grid.num_axes} axes"
    elif missing := model.given and model.given.missing(store.given):
        reason = f"it does not have {', '.join(missing)}, which the model was trained with"
    if not reason:
        return None
    return Hindrance(
        reason=reason,
        remedy="Fit the model to it first with `matey finetune`, or name other stores with "
        "--store or --data.",
    )
