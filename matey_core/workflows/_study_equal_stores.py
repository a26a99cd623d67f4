"""Which stores a study can be made on."""

from collections.abc import Sequence
from pathlib import Path

from matey_core.errors import ConfigError, DataError
from matey_core.store import Store
from matey_core.workflows._sources import open_stores


def stores_of(data: Path, names: Sequence[str], *, history: int) -> list[Store]:
    """Open the stores asked for, or all that can be used.

    Args:
        data: folder of stores, or one store.
        names: names of stores; empty for all that can be used.
        history: frames that a model is given.

    Raises:
        ConfigError: there is no store of a name.
        DataError: a store that is asked for, or every one, cannot be used.
    """
    stores = {store.name: store for store in open_stores(data)}
    for name in names:
        if name not in stores:
            raise ConfigError(
                f"There is no store {name!r} in {data}; there are {', '.join(stores)}.",
                remedy="Name another with --store.",
            )
    reasons = {name: _hindrance(stores[name], history) for name in names or stores}
    usable = [stores[name] for name, reason in reasons.items() if not reason]
    if not usable or (names and any(reasons.values())):
        found = "; ".join(f"{name} {reason}" for name, reason in reasons.items() if reason)
        raise DataError(
            f"A study needs trajectories to train, to choose and to test with: {found}.",
            remedy="Prepare the store again with other shares, such as --split 0.6,0.2,0.2 "
            "--overwrite, or name another with --store.",
        )
    return usable


def _hindrance(store: Store, history: int) -> str:
    if store.is_static:
        return "has no time axis"
    if store.num_frames < history + 1:
        return f"has {store.num_frames} frames, fewer than a history and a target"
    empty = [split for split in ("train", "validation", "test") if not store.samples(split)]
    return f"has no {' and no '.join(empty)} trajectory" if empty else ""
