"""Convert simulation files to stores, once, checked, split and described."""

import platform
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import PositiveInt

import matey_core
from matey_core.config import Config
from matey_core.errors import DataError
from matey_core.readers import READERS, Source
from matey_core.store import SPLITS, SUFFIX, Split, Store, find_stores, open_store, write_store
from matey_core.workflows._progress import OnProgress, Progress, silent
from matey_core.workflows._source_files import Fingerprints, check_space, no_empty_folder
from matey_core.workflows._store_names import relative_to, store_names

Status = Literal["planned", "converted", "unchanged", "kept", "duplicate"]


class PrepareConfig(Config):
    """What to convert, where to, and how to split it."""

    reader: str = "pdebench"
    """Layout of the source."""
    source: Path = Path("data")
    """A file, or a folder that is searched with all below it."""
    out: Path | None = None
    """Folder of the stores; by default the folder `zarr` in or beside the source."""
    limit: PositiveInt | None = None
    """Take at most this many samples of each file, the first ones."""
    split: tuple[float, float, float] = (0.8, 0.1, 0.1)
    """Shares of train, validation and test, by trajectory."""
    seed: int = 0
    """Decides which trajectory goes where."""
    overwrite: bool = False
    """Convert again what is there already."""
    dry_run: bool = False
    """Only tell what would be done."""

    @property
    def stores(self) -> Path:
        """Folder of the stores."""
        folder = self.source.parent if self.source.is_file() else self.source
        return self.out or folder / "zarr"


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
    """Size of the values in the store."""
    splits: tuple[int, int, int] | None
    """Trajectories that train, validate and test; None where not drawn."""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrepareReport:
    """What became of all sources."""

    out: Path
    dry_run: bool
    rows: tuple[PrepareRow, ...]


def prepare(config: PrepareConfig, on_progress: OnProgress = silent) -> PrepareReport:
    """Convert every source to a store, skipping what is there already.

    All headers are read before the first store is written, so that a file of an
    unknown layout is known at once. Each store appears under its name only when
    complete; on any failure the stores finished before it stay and nothing else does.

    Raises:
        DataError: no source, a damaged one, an unknown layout, or values that are not finite.
        ConfigError: shares that are no split.
        RunError: the disk is full.
    """
    plan = _Plan(config, on_progress)
    jobs = plan.jobs()
    if config.dry_run:
        rows = tuple(plan.preview(job) for job in jobs)
        return PrepareReport(out=config.stores, dry_run=True, rows=rows)
    with no_empty_folder(config.stores):
        check_space(config.stores, sum(job.row.num_bytes for job in jobs if not job.store))
        rows = tuple(plan.convert(job) for job in jobs)
    return PrepareReport(out=config.stores, dry_run=False, rows=rows)


@dataclass(frozen=True, slots=True)
class _Job:
    source: Source
    row: PrepareRow
    store: Store | None
    """The store that is there already, unless it is to be replaced."""


class _Plan:
    """Knows which store each source goes to and what is there."""

    def __init__(self, config: PrepareConfig, on_progress: OnProgress) -> None:
        self.config = config
        self.on_progress = on_progress
        self.split = Split(shares=config.split, seed=config.seed)
        self.reader = READERS[config.reader]()
        self.digests = Fingerprints(on_progress)
        self.seen: dict[str, Path] = {}

    def jobs(self) -> list[_Job]:
        """Find and open every source."""
        config = self.config
        found = self.reader.find(config.source, exclude=[config.stores])
        sources = [self.reader.open(path) for path in found]
        stores = self._existing()
        matches = {
            source.path: store for source in sources if (store := self._match(source, stores))
        }
        names = store_names(
            found,
            config.source,
            known={path: store.name for path, store in matches.items()},
            taken={store.name for store in stores},
            stem=self.reader.stem,
        )
        return [
            _Job(
                source,
                _planned(source, config.stores / (names[source.path] + SUFFIX), config.limit),
                None if config.overwrite else matches.get(source.path),
            )
            for source in sources
        ]

    def _existing(self) -> list[Store]:
        """Open the stores in the output folder; damaged ones stop all but an overwrite."""
        stores = []
        for path in find_stores(self.config.stores):
            try:
                stores.append(open_store(path))
            except DataError:
                if not self.config.overwrite:
                    raise
        return stores

    def _match(self, source: Source, stores: list[Store]) -> Store | None:
        """Find the store that was made from a source: by content, else by place."""
        path, size = source.path, source.header.num_bytes
        for store in stores:
            known = store.provenance
            if known.get("size") == size and known.get("sha256") == self.digests[path]:
                return store
        place = str(path.resolve())
        return next((store for store in stores if store.provenance.get("path") == place), None)

    def preview(self, job: _Job) -> PrepareRow:
        """Tell what `convert` would do."""
        return self._compare(job, job.store) if job.store else job.row

    def convert(self, job: _Job) -> PrepareRow:
        """Write the store of a source, unless there is no need."""
        digest = self.digests[job.source.path]
        if digest in self.seen:
            note = f"same content as {self.seen[digest]}"
            return replace(job.row, status="duplicate", note=note)
        self.seen[digest] = job.source.path
        if job.store is not None:
            return self._compare(job, job.store)
        splits = self._write(job)
        return replace(job.row, status="converted", splits=splits, note=_warning(splits, job.row))

    def _write(self, job: _Job) -> tuple[int, int, int]:
        row, done = job.row, 0
        per_frame = row.num_bytes / (row.samples * row.frames)
        task = f"convert {job.source.path.name}"

        def on_frames(frames: int) -> None:
            nonlocal done
            done += frames
            bytes_done = done * per_frame
            self.on_progress(
                Progress(task=task, done=bytes_done, total=float(row.num_bytes), unit="B")
            )

        assigned = write_store(
            job.source,
            row.store,
            num_samples=row.samples,
            split=self.split,
            provenance=lambda: self._provenance(job),
            on_frames=on_frames,
        ).split
        return _counts(assigned)

    def _provenance(self, job: _Job) -> dict[str, Any]:
        path = job.source.path
        return {
            "source": relative_to(path, self.config.source),
            "path": str(path.resolve()),
            "reader": self.config.reader,
            "size": job.source.header.num_bytes,
            "sha256": self.digests[path],
            "samples": job.row.samples,
            "split": list(self.split.shares),
            "seed": self.split.seed,
            "versions": {
                "matey": matey_core.__version__,
                "python": platform.python_version(),
                **{package: version(package) for package in ("numpy", "h5py", "zarr")},
            },
        }

    def _compare(self, job: _Job, store: Store) -> PrepareRow:
        """Say whether the store that is there is the one asked for."""
        known = store.provenance
        row = replace(job.row, store=store.path, splits=_counts(store.split))
        size = job.source.header.num_bytes
        if known.get("size") != size or known.get("sha256") != self.digests[job.source.path]:
            note = "the source has changed since; --overwrite converts it again"
            return replace(row, status="kept", samples=store.num_samples, note=note)
        asked = [job.row.samples, list(self.split.shares), self.split.seed]
        if asked != [known.get(key) for key in ("samples", "split", "seed")]:
            note = "was made with other settings; --overwrite applies the new ones"
            return replace(row, status="kept", samples=store.num_samples, note=note)
        return replace(row, status="unchanged")


def _planned(source: Source, store: Path, limit: int | None) -> PrepareRow:
    header = source.header
    samples = min(len(header.sample_names), limit or len(header.sample_names))
    arrays = len(header.spec.fields) * len(header.times) + len(header.static_fields)
    cells = int(np.prod(header.spec.grid.shape))
    return PrepareRow(
        source=source.path,
        store=store,
        status="planned",
        samples=samples,
        frames=len(header.times),
        axes=header.spec.grid.axes,
        shape=header.spec.grid.shape,
        fields=header.spec.names,
        static_fields=tuple(field.name for field in header.static_fields),
        num_bytes=samples * arrays * cells * header.dtype.itemsize,
        splits=None,
    )


def _counts(split: np.ndarray) -> tuple[int, int, int]:
    train, validation, test = (int((split == kind).sum()) for kind in range(len(SPLITS)))
    return train, validation, test


def _warning(splits: tuple[int, int, int], row: PrepareRow) -> str:
    if row.frames == 1:
        return "a single time: not used for training"
    empty = [name for name, count in zip(SPLITS, splits, strict=True) if not count]
    return f"too few trajectories for {' and '.join(empty)}" if empty else ""
