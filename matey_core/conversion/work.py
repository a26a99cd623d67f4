"""Converting one block of one sample: the work that processes and clusters share."""

import errno
import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass

import google_crc32c
import numpy as np

from matey_core.conversion.encoding import ChunkWriter, Encoding
from matey_core.conversion.moments import Moments
from matey_core.conversion.place import StorePlace
from matey_core.errors import DataError, RunError
from matey_core.fields import Field
from matey_core.readers import Source

FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the operating system says when there is no room."""
READ_BYTES = 4 * 2**20
"""States are read, converted and written in portions of about this size."""
WRITE_BYTES = 128 * 2**10
"""Written at once, as `cp` does: Linux looks for as much memory in one piece, and large pieces
can cost ten times as much as the writing."""
COPIES = 4
"""Copies of a portion that exist at once: as read, rearranged, rounded, compressed."""


def portion_of(source: Source) -> int:
    """Frames of a source that are read at once."""
    return max(1, READ_BYTES // source.frame_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenChunk:
    """One chunk file as it was written, and what is in it."""

    name: str
    size: int
    crc32c: int
    moments: Moments


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One unit of work, done."""

    unit: int
    files: tuple[WrittenChunk, ...]
    identity: str = ""
    """Hash of what tells a trajectory from others, as far as it is in this block: its first
    state and static fields, and its last state."""

    def line(self) -> str:
        """As a line of the journal."""
        return json.dumps(asdict(self))

    @classmethod
    def of(cls, line: str) -> "Record":
        """Undo `line`."""
        values = json.loads(line)
        files = [
            WrittenChunk(**{**file, "moments": Moments(**file["moments"])})
            for file in values["files"]
        ]
        return cls(unit=values["unit"], files=tuple(files), identity=values["identity"])


@dataclass(frozen=True, slots=True, kw_only=True)
class ConversionJob:
    """A source, where its chunks go and how they are encoded; goes to worker processes.

    A unit is one block of frames of one sample: unit = sample · blocks + block. With a
    sample's first block go its static fields.
    """

    source: Source
    place: StorePlace
    encoding: Encoding
    static_encoding: Encoding
    num_samples: int
    allow_missing: bool
    past_cache: bool = False
    """Whether the store is so large that it need not stay in memory."""

    @property
    def num_units(self) -> int:
        """Units of all samples."""
        return self.num_samples * self.encoding.num_blocks

    @property
    def unit_bytes(self) -> int:
        """Bytes that a unit makes, uncompressed."""
        return self.encoding.block * self.encoding.frame_bytes * len(self.source.header.spec.fields)

    @property
    def portion(self) -> int:
        """Frames read at once."""
        return portion_of(self.source)

    @property
    def memory(self) -> int:
        """Bytes that a worker needs for its states."""
        return COPIES * self.portion * self.source.frame_bytes + self.source.kept_bytes

    def frames_of(self, unit: int) -> int:
        """Frames of a unit."""
        start = unit % self.encoding.num_blocks * self.encoding.block
        return min(self.encoding.block, self.encoding.frames - start)

    def begins_chunks(self, unit: int) -> bool:
        """Whether no chunk of the source's file belongs to this unit and to one before it."""
        sample, block = divmod(unit, self.encoding.num_blocks)
        if block and self.source.samples_together > 1:
            return False
        is_first = block * self.encoding.block % self.source.frames_together == 0
        return is_first and sample % self.source.samples_together == 0

    def convert(self, unit: int) -> Record:
        """Read, check and write a unit.

        Raises:
            DataError: a value is infinite, or missing and that is not allowed.
            RunError: the disk is full.
        """
        try:
            return self._convert(unit)
        except OSError as error:
            if error.errno in FULL:
                raise RunError(
                    f"{self.place.path} cannot be written: {error.strerror}.",
                    remedy="Free some space and run the same command again, which goes on with "
                    f"what is finished; or remove {self.place.partial}.",
                ) from error
            raise

    def _convert(self, unit: int) -> Record:
        sample, block = divmod(unit, self.encoding.num_blocks)
        identity = hashlib.sha256()
        fields = self.source.header.spec.fields
        outputs = [_Output(self, field, sample, block) for field in fields]
        with ExitStack() as stack:
            for output in outputs:
                stack.enter_context(output)
            start = block * self.encoding.block
            stop = start + self.frames_of(unit)
            for first in range(start, stop, self.portion):
                values = self.source.read(sample, first, min(first + self.portion, stop))
                if first == 0:
                    identity.update(np.ascontiguousarray(values[0]).data)
                if first + len(values) == self.encoding.frames:
                    identity.update(np.ascontiguousarray(values[-1]).data)
                for channel, output in enumerate(outputs):
                    output.add(values[:, channel], first)
            written = [output.finish() for output in outputs]
        if block:
            return Record(unit=unit, files=tuple(written), identity=identity.hexdigest())
        static = self.source.read_static(sample)
        identity.update(np.ascontiguousarray(static).data)
        for field, values in zip(self.source.header.static_fields, static, strict=True):
            with _Output(self, field, sample, None) as output:
                output.add(values[None], 0)
                written.append(output.finish())
        return Record(unit=unit, files=tuple(written), identity=identity.hexdigest())

    def holds(self, record: Record) -> bool:
        """Whether the files of a record are there, as they were written."""
        for file in record.files:
            content = self.place.read(file.name)
            if content is None or len(content) != file.size:
                return False
            if google_crc32c.value(content) != file.crc32c:
                return False
        return True

    def run(self, units: Sequence[int], known: Sequence[Record]) -> list[Record]:
        """Do some units; those that are known to be done are only looked at."""
        done = {record.unit: record for record in known}
        return [
            done[unit] if unit in done and self.holds(done[unit]) else self.convert(unit)
            for unit in units
        ]


class _Output:
    """One chunk file in the making."""

    def __init__(self, job: ConversionJob, field: Field, sample: int, block: int | None) -> None:
        self.job = job
        self.field = field
        self.sample = sample
        self.encoding = job.static_encoding if block is None else job.encoding
        place = (sample,) if block is None else (sample, block)
        zeros = (0,) * len(self.encoding.space)
        self.name = "/".join(map(str, (field.name, "c", *place, *zeros)))
        self.moments = Moments()
        self._chunk = ChunkWriter(self.encoding)
        self._size = 0
        self._crc = 0

    def __enter__(self) -> "_Output":
        self._file = self.job.place.create(self.name, past_cache=self.job.past_cache)
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, values: np.ndarray, first: int) -> None:
        """Check and write frames that begin with number `first`."""
        stored = self.encoding.convert(values)
        before = (self.moments.missing, self.moments.infinite)
        self.moments.add(self.encoding.numbers(stored))
        if not math.isfinite(self.moments.deviation):
            raise self._too_large(values)
        if before != (self.moments.missing, self.moments.infinite):
            self._complain(values, first)
        self._write(self._chunk.add(stored))

    def finish(self) -> WrittenChunk:
        """Write what is left and tell what was written."""
        self._write(self._chunk.finish())
        return WrittenChunk(name=self.name, size=self._size, crc32c=self._crc, moments=self.moments)

    def _write(self, parts: Iterator[memoryview]) -> None:
        for part in parts:
            self._crc = google_crc32c.extend(self._crc, np.frombuffer(part, np.uint8))
            rest = part
            while len(rest):
                rest = rest[self._file.write(rest[:WRITE_BYTES]) :]
            self._size += len(part)

    def _too_large(self, values: np.ndarray) -> DataError:
        """Say that the spread of values is beyond float64."""
        header = self.job.source.header
        return DataError(
            f"{self.job.source.path}: {self.field.name} of sample "
            f"{header.sample_names[self.sample]} has values up to "
            f"{float(np.nanmax(np.abs(values))):.3g}; their squares, and so their spread, have no "
            "place in float64.",
            remedy="Convert the field to other units first; readers with --derive can do it.",
        )

    def _complain(self, values: np.ndarray, first: int) -> None:
        """Raise an error unless the values are only missing, and may be."""
        header = self.job.source.header
        bad = ~np.isfinite(values)
        if not bad.any():
            raise DataError(
                f"{self.job.source.path}: {self.field.name} of sample "
                f"{header.sample_names[self.sample]} has values up to "
                f"{float(np.abs(values).max()):.3g}, too large for {self.encoding.dtype}.",
                remedy="Use --dtype bfloat16 or float32.",
            )
        if self.job.allow_missing and np.isnan(values[bad]).all():
            return
        frame = first + int(bad.reshape(len(values), -1).any(axis=1).argmax())
        raise DataError(
            f"{self.job.source.path}: {self.field.name} of sample "
            f"{header.sample_names[self.sample]} has {int(bad.sum())} values that are NaN or "
            f"infinite in frames {first} to {first + len(values) - 1}, the first at time index "
            f"{frame}.",
            remedy="Remove the sample from the source; --limit takes only the first samples. "
            "If NaN marks solid or missing cells: --allow-missing.",
        )
