"""Converting a source to a store: shared by workers, taken up again, published at once."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from matey_core.conversion.ahead import reading_ahead
from matey_core.conversion.bucket import Bucket
from matey_core.conversion.crew import Alone, Crew, UnitRange
from matey_core.conversion.encoding import Compression, Encoding, Precision
from matey_core.conversion.folder import Folder
from matey_core.conversion.moments import Moments, merged
from matey_core.conversion.place import PLAN, StorePlace
from matey_core.conversion.work import ConversionJob, Record
from matey_core.errors import ConfigError, DataError
from matey_core.locations import is_remote
from matey_core.readers import Source
from matey_core.store import layout
from matey_core.store.metadata import Facts, metadata
from matey_core.store.split import TRAIN, Split
from matey_core.version import __version__

TASK_BYTES = 32 * 2**20
"""A worker is given about as much at once."""
TASKS_PER_WORKER = 4
"""At least so many, so that no worker waits long for the last one."""
WORTH_SHARING = 2 * TASK_BYTES
"""Less than this is done before a worker has started."""
MOST_PARAMETERS = 1000
"""Of a store: each is an array of its own, and a file or two."""
LARGE = 2**28
"""Smaller stores stay in the page cache after they are written, ready to be read."""
WORKER_BYTES = 128 * 2**20
"""What a worker process needs before it reads anything."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Storage:
    """How values are stored."""

    precision: Precision = "source"
    compression: Compression = "none"
    chunk: int | None = None
    """Frames of an uncompressed chunk, or compressed together."""
    allow_missing: bool = False
    """Whether NaN may stand for cells that are solid or missing."""
    license: str = ""
    """License of the data, instead of the one that the source names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of a source."""

    split: np.ndarray
    """(sample,) 0 for train, 1 for validation, 2 for test."""
    num_distinct: int
    """Samples that are no copies of others."""
    missing: dict[str, int]
    """Field -> values that are NaN."""


def place_of(path: Path) -> StorePlace:
    """The kind of place that a path or URL names."""
    return Bucket(path) if is_remote(path) else Folder(path)


def write_store(
    source: Source,
    path: Path,
    *,
    num_samples: int,
    split: Split,
    provenance: Callable[[], dict[str, Any]],
    storage: Storage | None = None,
    crew: Crew | None = None,
    memory: int | None = None,
    plan: dict[str, Any] | None = None,
    on_frames: Callable[[int], None] = lambda frames: None,
) -> Written:
    """Write the first samples of a source; `path` exists only if all went well.

    What a killed call has finished is looked at and kept by the next one with the same
    plan, and the store comes out the same, byte for byte.

    Args:
        source: where the states come from.
        path: the store, ending in `.zarr`. One that exists is replaced at the end.
        num_samples: how many samples to take.
        split: how to split them, unless the source does.
        provenance: asked at the end where the data comes from; kept in the attributes.
        storage: how values are stored.
        crew: who does the work; by default this process.
        memory: bytes that all workers together may take.
        plan: what else must be equal for finished work to be kept, such as the source's size.
        on_frames: called with the number of frames after every block.

    Raises:
        DataError: a value is not finite, a field's name cannot be stored, there are too many
            parameters, or the source cannot be read.
        ConfigError: the memory is too small for a single frame.
        RunError: the disk is full, a worker died, or another process writes the store.
    """
    storage = storage or Storage()
    _check_names(source)
    place = place_of(path)
    job = _job(reading_ahead(source, memory=memory), place, num_samples, storage)
    workers = _workers(job, crew or Alone(), memory)
    with place.locked():
        journal = _Journal(place, _plan_text(job, plan or {}, storage))
        try:
            records = _convert(job, crew or Alone(), workers, journal, on_frames)
        except BaseException as error:
            if isinstance(error, DataError) or not journal.known:
                place.clear()  # of what is wrong, or of nothing, nothing is kept
            raise
        written = _outcome(job, records, split)
        facts = Facts(
            split=written.split,
            training=_moments(job, records, np.flatnonzero(written.split == TRAIN).tolist()),
            missing=written.missing,
            license=storage.license or source.header.license,
            provenance=provenance(),
        )
        place.publish(metadata(job, path.stem, facts))
    return written


def _check_names(source: Source) -> None:
    """Readers of other packages may not have looked at names, nor counted parameters."""
    header = source.header
    for name in (known.name for known in (*header.spec.fields, *header.static_fields)):
        if not layout.is_field_name(name):
            raise DataError(
                f"{source.path}: {name!r} cannot be the name of a field in a store.",
                remedy="Rename it in the source: a letter or number first, and no slash.",
            )
    if len(header.parameters) > MOST_PARAMETERS:
        raise DataError(
            f"{source.path} has {len(header.parameters):,} parameters; a store takes at most "
            f"{MOST_PARAMETERS:,}, as each is an array of its own.",
            remedy="Leave in the source only the single numbers and attributes that are constants "
            "of the equation.",
        )


def _job(source: Source, place: StorePlace, num_samples: int, storage: Storage) -> ConversionJob:
    header = source.header
    space = header.spec.grid.shape

    def encoding(frames: int) -> Encoding:
        return Encoding.choose(
            header.dtype,
            space,
            frames,
            precision=storage.precision,
            compression=storage.compression,
            chunk=storage.chunk,
        )

    job = ConversionJob(
        source=source,
        place=place,
        encoding=encoding(len(header.times)),
        static_encoding=encoding(1),
        num_samples=num_samples,
        allow_missing=storage.allow_missing,
    )
    size = job.num_units * job.unit_bytes
    return replace(job, past_cache=size >= LARGE)


def _workers(job: ConversionJob, crew: Crew, memory: int | None) -> int:
    """How many workers the memory is enough for."""
    if memory is None:
        return crew.size
    if job.memory > memory:
        raise ConfigError(
            f"{job.source.path}: one frame of all fields takes {job.source.frame_bytes / 1e9:.3g} "
            f"GB, and converting it {job.memory / 1e9:.3g} GB; --memory allows "
            f"{memory / 1e9:.3g} GB.",
            remedy=f"Allow --memory {-(-job.memory // 10**9)}GB, if the machine has it.",
        )
    return max(1, min(crew.size, memory // (job.memory + WORKER_BYTES)))


def _convert(
    job: ConversionJob,
    crew: Crew,
    workers: int,
    journal: "_Journal",
    on_frames: Callable[[int], None],
) -> list[Record]:
    """Do all units, or what is left of them."""
    with journal:
        for records in crew.run(job, _tasks(job, workers, journal.known), at_once=workers):
            journal.add(records)
            on_frames(sum(job.frames_of(record.unit) for record in records))
    return [journal.known[unit] for unit in range(job.num_units)]


def _plan_text(job: ConversionJob, plan: dict[str, Any], storage: Storage) -> str:
    described = {
        "layout": layout.LAYOUT,
        "versions": versions(),
        "source": str(job.source.path),
        "samples": job.num_samples,
        "encoding": [repr(job.encoding), repr(job.static_encoding)],
        "allow_missing": storage.allow_missing,
        **plan,
    }
    return json.dumps(described, sort_keys=True)


def versions() -> dict[str, str]:
    """Of what decides about the bytes of a store."""
    packages = ("numpy", "numcodecs", "zarr")
    return {"matey": __version__, **{name: version(name) for name in packages}}


def _tasks(job: ConversionJob, workers: int, known: dict[int, Record]) -> list[UnitRange]:
    step = max(1, TASK_BYTES // max(1, job.unit_bytes))
    if job.num_units * job.unit_bytes >= WORTH_SHARING:
        step = max(1, min(step, job.num_units // (TASKS_PER_WORKER * workers)))
    tasks, start = [], 0
    while start < job.num_units:
        later = range(start + step, job.num_units)
        stop = next(filter(job.begins_chunks, later), job.num_units)
        units = range(start, stop)
        tasks.append(UnitRange(units, tuple(known[unit] for unit in units if unit in known)))
        start = stop
    return tasks


@dataclass(slots=True)
class _Journal:
    """Which units are done, kept beside the store in the making."""

    place: StorePlace
    plan: str
    known: dict[int, Record] = field(default_factory=dict)
    _lines: list[str] = field(default_factory=list)
    _written: float = 0.0

    def __enter__(self) -> "_Journal":
        if self.place.noted(PLAN) == self.plan:
            self.known = {record.unit: record for record in map(Record.of, self.place.journal())}
        else:
            self.place.start_over()
            self.place.note(PLAN, self.plan)
        self._written = time.monotonic()
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()

    def add(self, records: Sequence[Record]) -> None:
        """Take in records; those that are known already are not written again."""
        for record in records:
            if self.known.get(record.unit) != record:
                self.known[record.unit] = record
                self._lines.append(record.line())
        if time.monotonic() - self._written >= self.place.patience:
            self._flush()

    def _flush(self) -> None:
        if self._lines:
            self.place.append(self._lines)
            self._lines.clear()
        self._written = time.monotonic()


def _outcome(job: ConversionJob, records: Sequence[Record], split: Split) -> Written:
    blocks = job.encoding.num_blocks
    identities = [
        tuple(record.identity for record in records[sample * blocks : (sample + 1) * blocks])
        for sample in range(job.num_samples)
    ]
    given = job.source.header.splits[: job.num_samples]
    if given:
        assigned = np.array([layout.SPLITS.index(name) for name in given], np.int8)
    else:
        assigned = split.assign(identities)
    everything = _moments(job, records, range(job.num_samples))
    return Written(
        split=assigned,
        num_distinct=len(set(identities)),
        missing={name: moments.missing for name, moments in everything.items()},
    )


def _moments(
    job: ConversionJob, records: Sequence[Record], samples: Sequence[int]
) -> dict[str, Moments]:
    """Moments of each field over some samples."""
    header, blocks = job.source.header, job.encoding.num_blocks
    moving = [field.name for field in header.spec.fields]
    names = [*moving, *(field.name for field in header.static_fields)]
    parts: dict[str, list[Moments]] = {name: [] for name in names}
    for sample in samples:
        for record in records[sample * blocks : (sample + 1) * blocks]:
            for name, file in zip(names, record.files, strict=False):
                parts[name].append(file.moments)
    return {name: merged(found) for name, found in parts.items()}
