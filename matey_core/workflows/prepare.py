"""Convert simulation files to stores, once, checked, split and described."""

import hashlib
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import PositiveInt

import matey_core
from matey_core.config import Config
from matey_core.errors import RunError
from matey_core.readers import READERS, Reader, Source
from matey_core.store import SPLITS, SUFFIX, Split, Store, find_stores, open_store, write_store
from matey_core.workflows._progress import OnProgress, Progress, silent
from matey_core.workflows._store_names import relative_to, store_names

Status = Literal["planned", "converted", "unchanged", "kept", "duplicate"]
BLOCK = 2**22
"""Bytes read at a time while a source is fingerprinted."""


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
    split = Split(shares=config.split, seed=config.seed)
    reader = READERS[config.reader]()
    plan = _Plan(config, split, reader)
    jobs = list(plan.jobs())
    if config.dry_run:
        return PrepareReport(
            out=config.stores, dry_run=True, rows=tuple(plan.preview(job) for job in jobs)
        )
    with _no_empty_folder(config.stores):
        _check_space(config.stores, sum(job.row.num_bytes for job in jobs if not job.store))
        rows = tuple(plan.convert(job, on_progress) for job in jobs)
    return PrepareReport(out=config.stores, dry_run=False, rows=rows)


@dataclass(frozen=True, slots=True)
class _Job:
    source: Source
    row: PrepareRow
    store: Store | None
    """The store that is there already, unless it is to be replaced."""


class _Plan:
    """Knows which store each source goes to and what is there."""

    def __init__(self, config: PrepareConfig, split: Split, reader: Reader) -> None:
        self.config = config
        self.split = split
        self.reader = reader
        self.there = {} if config.overwrite else self._existing()
        self.seen: dict[str, Path] = {}

    def _existing(self) -> dict[str, Store]:
        """Stores in the output folder, by relative source."""
        stores = [open_store(path) for path in find_stores(self.config.stores)]
        return {str(store.provenance.get("source")): store for store in stores}

    def jobs(self) -> Iterator[_Job]:
        """Open every source."""
        config = self.config
        found = self.reader.find(config.source, exclude=[config.stores])
        existing = {source: store.name for source, store in self.there.items()}
        names = store_names(found, config.source, existing=existing, stem=self.reader.stem)
        for path in found:
            source = self.reader.open(path)
            row = _planned(source, config.stores / (names[path] + SUFFIX), config.limit)
            yield _Job(source, row, self.there.get(relative_to(path, config.source)))

    def preview(self, job: _Job) -> PrepareRow:
        """Tell what `convert` would do, without fingerprinting the source."""
        if job.store is None:
            return job.row
        return self._compare(job, job.store, digest=None)

    def convert(self, job: _Job, on_progress: OnProgress) -> PrepareRow:
        """Write the store of a source, unless there is no need."""
        digest = _sha256(job.source.path, on_progress)
        if digest in self.seen:
            note = f"same content as {self.seen[digest]}"
            return replace(job.row, status="duplicate", note=note)
        self.seen[digest] = job.source.path
        if job.store is not None:
            return self._compare(job, job.store, digest=digest)
        splits = self._write(job, digest, on_progress)
        note = _warning(splits, job.row)
        return replace(job.row, status="converted", splits=splits, note=note)

    def _write(self, job: _Job, digest: str, on_progress: OnProgress) -> tuple[int, int, int]:
        row, done = job.row, 0
        per_frame = row.num_bytes / (row.samples * row.frames)

        def on_frames(frames: int) -> None:
            nonlocal done
            done += frames
            on_progress(
                Progress(
                    task=f"convert {job.source.path.name}",
                    done=done * per_frame,
                    total=row.num_bytes,
                    unit="B",
                )
            )

        assigned = write_store(
            job.source,
            row.store,
            num_samples=row.samples,
            split=self.split,
            provenance=self._provenance(job, digest),
            on_frames=on_frames,
        )
        return _counts(assigned)

    def _provenance(self, job: _Job, digest: str) -> dict[str, Any]:
        packages = ("numpy", "h5py", "zarr")
        return {
            "source": relative_to(job.source.path, self.config.source),
            "reader": self.config.reader,
            "size": job.source.header.num_bytes,
            "sha256": digest,
            "samples": job.row.samples,
            "split": list(self.split.shares),
            "seed": self.split.seed,
            "versions": {
                "matey": matey_core.__version__,
                "python": platform.python_version(),
                **{package: version(package) for package in packages},
            },
        }

    def _compare(self, job: _Job, store: Store, *, digest: str | None) -> PrepareRow:
        """Say whether the store that is there is the one asked for."""
        known = store.provenance
        row = replace(job.row, store=store.path, splits=_counts(store.split))
        if known["size"] != job.source.header.num_bytes or digest not in (None, known["sha256"]):
            note = "the source has changed since; --overwrite converts it again"
            return replace(row, status="kept", samples=store.num_samples, note=note)
        asked = [job.row.samples, list(self.split.shares), self.split.seed]
        if asked != [known["samples"], known["split"], known["seed"]]:
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


def _sha256(path: Path, on_progress: OnProgress) -> str:
    digest, total, done = hashlib.sha256(), path.stat().st_size, 0
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
            done += len(block)
            task = f"fingerprint {path.name}"
            on_progress(Progress(task=task, done=done, total=total, unit="B"))
    return digest.hexdigest()


def _check_space(folder: Path, needed: int) -> None:
    """Raise before the work where the disk is too small for it."""
    place = next(
        parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists()
    )
    free = shutil.disk_usage(place).free
    if needed > free:
        raise RunError(
            f"{folder} needs {needed / 1e9:.3g} GB; {free / 1e9:.3g} GB are free.",
            remedy="Free some space, choose another folder with --out, or use --limit.",
        )


@contextmanager
def _no_empty_folder(folder: Path) -> Iterator[None]:
    """Leave no empty folder behind where nothing came of the work."""
    is_new = not folder.exists()
    try:
        yield
    except BaseException:
        if is_new and folder.exists() and not any(folder.iterdir()):
            folder.rmdir()
        raise
