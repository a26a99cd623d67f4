"""Say what a store or a source holds, without reading more than a part of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from matey_core.conversion.search import Failure
from matey_core.errors import ConfigError, DataError, MateyError, NothingFoundError
from matey_core.locations import is_remote, location
from matey_core.progress import OnProgress, Progress, silent
from matey_core.readers import ReaderOptions
from matey_core.readers.hdf5.contents import FileContents
from matey_core.store import find_stores, is_foreign
from matey_core.workflows.data_inspect.description import Description
from matey_core.workflows.data_inspect.source import (
    FoundSource,
    describe_source,
    find_sources,
    unknown_contents,
)
from matey_core.workflows.data_inspect.store import describe_store

__all__ = ["DataReport", "Description", "Failure", "inspect_data"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DataReport:
    """All stores and sources of a place."""

    path: Path
    items: tuple[Description, ...]
    failures: tuple[Failure, ...]
    contents: tuple[FileContents, ...] = ()
    """What is inside a file whose layout no reader knows."""


def inspect_data(
    path: Path | str,
    *,
    reader: str | None = None,
    options: ReaderOptions | None = None,
    on_progress: OnProgress = silent,
) -> DataReport:
    """Describe a store or a source, or all of them in a folder.

    Args:
        path: a store, a source, or a folder of them; on this machine or in object storage.
        reader: name of the reader for sources; by default whichever recognizes them.
        options: what sources do not say themselves.
        on_progress: called with the number described.

    Raises:
        DataError: there is nothing to describe, or the only thing there is damaged.
        ConfigError: no reader has this name.
    """
    place = location(path)
    found = [store for store in find_stores(place) if (store / "zarr.json").is_file()]
    stores = [store for store in found if is_remote(store) or not is_foreign(store)]
    work: list[tuple[Path, Callable[[], Description]]] = [
        (store, partial(describe_store, store)) for store in stores
    ]
    if reader in (None, "hdf5") and (contents := unknown_contents(place, options)):
        return DataReport(path=place, items=(), failures=(), contents=(contents,))
    if place not in stores and not (stores and is_remote(place)):
        sources, errors = _sources(place, reader, options, stores)
        work += [(found.path, partial(describe_source, found)) for found in sources]
        work += [(path, partial(_raise, error)) for path, error in errors]
    return _described(place, work, on_progress)


def _sources(
    place: Path, reader: str | None, options: ReaderOptions | None, stores: list[Path]
) -> tuple[list[FoundSource], list[tuple[Path, MateyError]]]:
    """Sources beside the stores, as far as there are stores, and what cannot be read."""
    if is_remote(place):
        raise DataError(f"{place} holds no store.", remedy="Sources are read from this machine.")
    try:
        found, search = find_sources(place, reader, exclude=stores, options=options)
    except NothingFoundError:
        if stores and reader is None:
            return [], []
        raise
    return found, list(search.damaged.items())


def _raise(error: MateyError) -> Description:
    raise error


def _described(
    place: Path, work: list[tuple[Path, Callable[[], Description]]], on_progress: OnProgress
) -> DataReport:
    items, failures = [], []
    first: MateyError | None = None
    for number, (found, describe) in enumerate(work):
        on_progress(Progress(task=f"inspect {found.name}", done=number, total=len(work)))
        try:
            items.append(describe())
        except (DataError, ConfigError) as error:
            if len(work) == 1:
                raise
            failures.append(Failure.of(found, error))
            first = first or error
    if first and not items:
        raise first
    return DataReport(path=place, items=tuple(items), failures=tuple(failures))
