"""Which store each source goes to, and what is there already."""

import platform
from collections.abc import Collection
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np

from matey_core.conversion.encoding import Encoding
from matey_core.conversion.search import Failure, Search
from matey_core.conversion.source_files import Fingerprints, Stamp, stamp
from matey_core.errors import ConfigError, DataError, MateyError, combined
from matey_core.fields import can_name_a_parameter
from matey_core.files import check_is_utf8
from matey_core.locations import is_remote
from matey_core.readers import READERS, Source
from matey_core.store import SPLITS, SUFFIX, Split, Store, find_stores, open_store
from matey_core.store.writer import WORTH_SHARING, versions
from matey_core.workflows.prepare.settings import PrepareConfig
from matey_core.workflows.prepare.store_names import relative_to, store_names

Status = Literal["planned", "converted", "unchanged", "kept", "duplicate"]
CHANGED = "the source has changed since; --overwrite converts it again"
OTHER_SETTINGS = "was made with other settings; --overwrite applies the new ones"


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareRow:
    """What became of one source."""

    source: Path
    store: Path
    status: Status
    """`planned` (dry run), `converted`, `unchanged` (up to date), `kept` (differs from what was
    asked for, see `note`) or `duplicate` (same content as another source)."""
    samples: int
    frames: int
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    fields: tuple[str, ...]
    static_fields: tuple[str, ...]
    num_bytes: int
    """Size of the values in the store, uncompressed."""
    splits: tuple[int, int, int] | None
    """Trajectories that train, validate and test; None where not drawn."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SourcePlan:
    """One source and where it goes."""

    original: Path
    """The source."""
    source: Source
    """What is taken of it."""
    stamp: Stamp
    row: PrepareRow
    store: Store | None
    """The store that is there already, unless it is to be replaced."""


class Plan:
    """Knows every source, its store, and what is there."""

    def __init__(self, config: PrepareConfig, digests: Fingerprints) -> None:
        """Find every source.

        Raises:
            DataError: there is none, or none that can be read.
        """
        self.config = config
        self.digests = digests
        self.split = Split(shares=config.split, seed=config.seed)
        self._sizes: dict[int, int] = {}
        self._damaged: dict[str, DataError] = {}
        own = [] if is_remote(config.stores) else [config.stores]
        search = Search(lambda: READERS[config.reader](config.options), config.source, own)
        self._search = search
        self.reader = search.reader
        self._found = search.paths
        self.failures: list[Failure] = []
        """What cannot be read."""
        self._errors: list[MateyError] = []
        for path, error in search.damaged.items():
            self._note(path, error)

    def is_large(self) -> bool:
        """Whether there is much to do for certain; if so, fingerprints are begun."""
        if find_stores(self.config.stores) and not self.config.overwrite:
            return False
        files = [path for path in self._found if path.is_file()]
        if sum(path.stat().st_size for path in files) < WORTH_SHARING:
            return False
        for path in files:
            self.digests.start(path, [path])
        return True

    def jobs(self) -> list[SourcePlan]:
        """Open every source that can be read.

        Raises:
            DataError: none can, or one cannot and a person named the reader, or the store that
                one goes to is damaged.
            ConfigError: a selection that does not fit a grid.
        """
        config = self.config
        opened = {path: source for path in self._found if (source := self._opened(path))}
        self._check_all()
        self.check_some(bool(opened))
        sources = {path: config.selection.of(source) for path, source in opened.items()}
        stamps = {path: stamp(source) for path, source in sources.items()}
        for known in stamps.values():
            self._sizes[known.size] = self._sizes.get(known.size, 0) + 1
        stores = self._existing()
        matches = {
            path: store
            for path, source in sources.items()
            if (store := self._match(source, stamps[path], stores))
        }
        names = store_names(
            list(sources),
            config.source,
            known={path: store.name for path, store in matches.items()},
            taken={store.name for store in stores},
            stem=self.reader.stem,
        )
        self._check_damaged(names.values())
        return [
            SourcePlan(
                original=path,
                source=source,
                stamp=stamps[path],
                row=self._planned(path, source, config.stores / (names[path] + SUFFIX)),
                store=None if config.overwrite else matches.get(path),
            )
            for path, source in sources.items()
        ]

    def fail(self, path: Path, error: MateyError) -> None:
        """Note that a source cannot be read.

        Raises:
            MateyError: the error, if a person named the reader: all should be of its layout.
        """
        if self.config.reader != "auto":
            raise error
        self._note(path, error)

    def _note(self, path: Path, error: MateyError) -> None:
        self.failures.append(Failure.of(path, error))
        self._errors.append(error)

    def _check_all(self) -> None:
        """Raise all failures as one, if a person named the reader: all should be of its layout.

        Raises:
            DataError: something cannot be read.
        """
        errors = [error for error in self._errors if isinstance(error, DataError)]
        if errors and self.config.reader != "auto":
            raise combined(errors)

    def check_some(self, is_some: bool) -> None:
        """Raise the first failure where nothing at all can be read.

        Raises:
            MateyError: as the first source that cannot be read.
        """
        if not is_some:
            raise self._errors[0]

    def _opened(self, path: Path) -> Source | None:
        """Open a source; None, with a note of the failure, where it cannot be read."""
        try:
            check_is_utf8(path.resolve(), DataError)
            source = self._search.open(path)
            _check_parameters(source)
        except ConfigError as error:
            self.fail(path, error)
            return None
        except DataError as error:
            self._note(path, error)
            return None
        return source

    def has_twin(self, job: SourcePlan) -> bool:
        """Whether another source is as large, so that it may have the same content."""
        return self._sizes[job.stamp.size] > 1

    def compare(self, job: SourcePlan, store: Store) -> tuple[Status, str]:
        """Say whether the store that is there is the one asked for, and if not, why."""
        if not self._is_same(job.source, job.stamp, store):
            return "kept", CHANGED
        known = store.provenance
        asked = self.settings(job)
        if asked != {key: known.get(key) for key in asked}:
            return "kept", OTHER_SETTINGS
        return "unchanged", ""

    def settings(self, job: SourcePlan) -> dict[str, Any]:
        """All that decides what becomes of a source, as plain values."""
        return {
            "samples": job.row.samples,
            "split": list(self.split.shares),
            "seed": self.split.seed,
            "settings": self.config.decisive(),
        }

    def provenance(self, job: SourcePlan) -> dict[str, Any]:
        """Where a store's values come from."""
        packages = ("h5py", "xarray")
        return {
            "source": relative_to(job.original, self.config.source),
            "path": str(job.original.resolve()),
            "reader": self._reader_of(job.original),
            "size": job.stamp.size,
            "mtime_ns": job.stamp.mtime_ns,
            "sha256": self.digests[job.source],
            **self.settings(job),
            "versions": {
                **versions(),
                "python": platform.python_version(),
                **{package: version(package) for package in packages},
            },
        }

    def _reader_of(self, path: Path) -> str:
        """Name of the reader that knows a source's layout."""
        if self.config.reader != "auto":
            return self.config.reader
        from matey_core.readers.auto import AutoReader  # imports xarray

        assert isinstance(self.reader, AutoReader)
        return self.reader.reader_of(path)

    def _existing(self) -> list[Store]:
        """Open the stores in the output folder, and keep the faults of damaged ones."""
        stores = []
        for path in find_stores(self.config.stores):
            try:
                stores.append(open_store(path))
            except DataError as error:
                self._damaged[path.stem] = error
        return stores

    def _check_damaged(self, names: Collection[str]) -> None:
        """Damaged stores hinder only what would take their names, and no overwrite."""
        for name, error in self._damaged.items():
            if name in names and not self.config.overwrite:
                raise error

    def _match(self, source: Source, known: Stamp, stores: list[Store]) -> Store | None:
        """Find the store that was made from a source: by content, else by place."""
        place = str(source.path.resolve())
        here = [store for store in stores if store.provenance.get("path") == place]
        same = (store for store in (*here, *stores) if self._is_same(source, known, store))
        return next(same, here[0] if here else None)

    def _is_same(self, source: Source, known: Stamp, store: Store) -> bool:
        """Whether a store was made from the source as it is now.

        A file of the same size, untouched since, is not read again.
        """
        made_from = store.provenance
        if made_from.get("size") != known.size:
            return False
        in_place = made_from.get("path") == str(source.path.resolve())
        if in_place and made_from.get("mtime_ns") == known.mtime_ns:
            return True
        return made_from.get("sha256") == self.digests[source]

    def _planned(self, original: Path, source: Source, store: Path) -> PrepareRow:
        header, storage = source.header, self.config.storage
        samples = min(len(header.sample_names), self.config.limit or len(header.sample_names))
        arrays = len(header.spec.fields) * len(header.times) + len(header.static_fields)
        shape = header.spec.grid.shape
        encoding = Encoding.choose(header.dtype, shape, 1, precision=storage.precision)
        return PrepareRow(
            source=original,
            store=store,
            status="planned",
            samples=samples,
            frames=len(header.times),
            axes=header.spec.grid.axes,
            shape=shape,
            fields=header.spec.names,
            static_fields=tuple(field.name for field in header.static_fields),
            num_bytes=samples * arrays * encoding.frame_bytes,
            splits=None,
            note="; ".join((*header.notes, *self._turned(source))),
        )

    def _turned(self, source: Source) -> list[str]:
        """Say that `--crop` counts from the other end of an axis than the file does."""
        return [
            f"{axis} runs backwards in the file and is turned round: --crop {axis} counts from "
            "its smallest position on"
            for axis in source.header.turned
            if axis in self.config.crop
        ]


def _check_parameters(source: Source) -> None:
    for name in source.header.parameters:
        if not can_name_a_parameter(name):
            raise DataError(
                f"{source.path}: {name!r} cannot be the name of a parameter: it has a slash or "
                "more than 200 bytes.",
                remedy="Rename it in the file.",
            )


def counts(split: np.ndarray) -> tuple[int, int, int]:
    """Trajectories that train, validate and test."""
    train, validation, test = (int((split == kind).sum()) for kind in range(len(SPLITS)))
    return train, validation, test
