"""Say what a store or a source holds, without reading more than a part of it."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from matey_core.errors import DataError
from matey_core.locations import is_remote, location
from matey_core.progress import OnProgress, Progress, silent
from matey_core.readers import ReaderOptions
from matey_core.readers.hdf5.contents import FileContents
from matey_core.store import find_stores
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
class Failure:
    """A store or a source that cannot be read."""

    path: Path
    problem: str
    remedy: str


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
    stores = [found for found in find_stores(place) if (found / "zarr.json").is_file()]
    work: list[tuple[Path, Callable[[], Description]]] = [
        (found, partial(describe_store, found)) for found in stores
    ]
    if reader in (None, "hdf5") and (found := unknown_contents(place, options)):
        return DataReport(path=place, items=(), failures=(), contents=(found,))
    if place not in stores and not (stores and is_remote(place)):
        work += [
            (found.path, partial(describe_source, found))
            for found in _sources(place, reader, options, stores)
        ]
    return _described(place, work, on_progress)


def _sources(
    place: Path, reader: str | None, options: ReaderOptions | None, stores: list[Path]
) -> list[FoundSource]:
    """Sources beside the stores, as far as there are stores."""
    if is_remote(place):
        raise DataError(f"{place} holds no store.", remedy="Sources are read from this machine.")
    try:
        return find_sources(place, reader, exclude=stores, options=options)
    except DataError:
        if stores and reader is None:
            return []
        raise


def _described(
    place: Path, work: list[tuple[Path, Callable[[], Description]]], on_progress: OnProgress
) -> DataReport:
    items, failures = [], []
    for number, (found, describe) in enumerate(work):
        on_progress(Progress(task=f"inspect {found.name}", done=number, total=len(work)))
        try:
            items.append(describe())
        except DataError as error:
            if len(work) == 1:
                raise
            failures.append(Failure(path=found, problem=str(error), remedy=error.remedy))
    return DataReport(path=place, items=tuple(items), failures=tuple(failures))
