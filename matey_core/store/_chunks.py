"""The frames of one field: read without a copy in between, from wherever they lie.

Going to the files directly costs a few microseconds a read where Zarr's own machinery
costs 1 ms, reads only what is asked for, and leaves nothing running when interrupted.
Arrays in another layout than `matey prepare` writes are read through Zarr.
"""

import math
import struct
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import google_crc32c
import numpy as np
import zarr
from jaxtyping import Float, Shaped

from matey_core.errors import DataError
from matey_core.locations import is_remote
from matey_core.store._reading.files import REMEDY, Files, LocalFiles, Range, RemoteFiles
from matey_core.store._reading.layout import ArrayLayout
from matey_core.store._reading.metadata import BFLOAT16, Described, ForeignLayoutError, layout_of
from matey_core.store._reading.recent import Recent

ABSENT = 2**64 - 1
"""Offset and size of a piece that was never written: all of it is missing."""
KEPT_INDICES = 4096
MOST_CHUNK = 2**30
"""Bytes of a chunk that Zarr decodes as a whole."""


class Frames(NamedTuple):
    """Frames `start` to `stop` (exclusive) of a sample."""

    sample: int
    start: int
    stop: int


class Chunks(ABC):
    """One array with dims (sample, time, *space) or (sample, *space)."""

    dtype: np.dtype
    """Of the values: floating point, as stored; float32 for bfloat16."""
    space: tuple[int, ...]

    def read(self, sample: int, start: int, stop: int) -> Shaped[np.ndarray, "time *space"]:
        """Read frames in the precision of the store.

        Raises:
            DataError: a file is missing or damaged.
        """
        frames = Frames(sample, start, stop)
        self.announce([frames])
        values = np.empty((stop - start, *self.space), self.dtype)
        self.read_into(values, frames)
        return values

    @abstractmethod
    def read_into(self, out: Shaped[np.ndarray, "time *space"], frames: Frames) -> None:
        """Read frames into an array of floating-point numbers.

        Raises:
            DataError: a file is missing or damaged.
        """

    def announce(self, wanted: Sequence[Frames]) -> None:  # noqa: B027
        """Say what will be read soon, so that it can come all at once, where that helps."""


def chunks_of(
    described: Described,
    open_array: "Callable[[], zarr.Array[Any]]",
    folder: Path,
    *,
    has_time: bool,
    may_miss: bool,
) -> Chunks:
    """Choose how to read an array: directly if it has the layout of a matey store.

    Args:
        described: its metadata.
        open_array: asked for the array where Zarr has to read it.
        folder: of its files.
        has_time: whether dims are (sample, time, *space); otherwise (sample, *space).
        may_miss: whether NaN may stand in it for missing values.

    Raises:
        TypeError: its values are no floating-point numbers.
        ValueError: its metadata contradict themselves.
    """
    try:
        layout = layout_of(described, has_time=has_time)
    except ForeignLayoutError as error:
        array = open_array()
        num_bytes = math.prod(array.chunks) * array.dtype.itemsize
        if num_bytes > MOST_CHUNK:
            raise ValueError(
                f"a chunk of {num_bytes:,} bytes, of {MOST_CHUNK:,} at most"
            ) from error
        return ZarrChunks(array, folder, str(error), has_time=has_time, may_miss=may_miss)
    files: Files = RemoteFiles(folder) if is_remote(folder) else LocalFiles(folder)
    return (CompressedChunks if layout.is_compressed else PlainChunks)(layout, files, folder)


class AfterZeros(Chunks):
    """The frames of other chunks behind a frame of zeros."""

    def __init__(self, chunks: Chunks) -> None:
        self.chunks = chunks
        self.dtype, self.space = chunks.dtype, chunks.space

    def read_into(self, out: Shaped[np.ndarray, "time *space"], frames: Frames) -> None:
        """Read frames, of which frame 0 is zeros."""
        zeros = int(frames.start == 0 and frames.stop > 0)
        out[:zeros] = 0
        if frames.stop > 1:
            sample, start, stop = frames
            self.chunks.read_into(out[zeros:], Frames(sample, max(start - 1, 0), stop - 1))

    def announce(self, wanted: Sequence[Frames]) -> None:
        """Have the frames behind the zeros fetched."""
        behind = [Frames(f.sample, max(f.start - 1, 0), f.stop - 1) for f in wanted if f.stop > 1]
        self.chunks.announce(behind)


class PlainChunks(Chunks):
    """Files that are nothing but values."""

    def __init__(self, layout: ArrayLayout, files: Files, folder: Path) -> None:
        self.layout, self.files, self.folder = layout, files, folder
        self.dtype, self.space = layout.dtype, layout.space

    def read_into(self, out: Shaped[np.ndarray, "time *space"], frames: Frames) -> None:
        """Copy, and convert, from the files' pages."""
        first = 0
        for part in self._ranges(frames):
            values = self.files.get(part).view(self.layout.stored).reshape(-1, *self.space)
            self.layout.put(out[first : first + len(values)], values)
            first += len(values)

    def announce(self, wanted: Sequence[Frames]) -> None:
        """Have the bytes of all frames fetched."""
        self.files.announce([part for frames in wanted for part in self._ranges(frames)])

    def _ranges(self, frames: Frames) -> Iterator[Range]:
        """Bytes that hold the frames, one range a file."""
        layout, size = self.layout, self.layout.frame_bytes
        sample, start, stop = frames
        while start < stop:
            block, low = divmod(start, layout.block)
            count = min(stop - start, layout.block - low)
            yield Range(layout.name(sample, block), low * size, count * size)
            start += count


class _Decoded(threading.local):
    """The piece that a thread has decoded last: the next window's targets may be in it."""

    place: tuple[int, int] | None = None
    values: np.ndarray | None = None


class CompressedChunks(Chunks):
    """Files of pieces compressed by Blosc, with an index at their end."""

    def __init__(self, layout: ArrayLayout, files: Files, folder: Path) -> None:
        self.layout, self.files, self.folder = layout, files, folder
        self.dtype, self.space = layout.dtype, layout.space
        self._indices: Recent[np.ndarray] = Recent(KEPT_INDICES)
        self._last = _Decoded()

    def read_into(self, out: Shaped[np.ndarray, "time *space"], frames: Frames) -> None:
        """Decode the pieces that hold the frames, straight into `out` where it is whole."""
        sample, start, stop = frames
        length = self.layout.piece
        for piece in range(start // length, -(-stop // length)):
            first = piece * length
            low, high = max(start, first), min(stop, first + length)
            part = out[low - start : high - start]
            is_direct = high - low == length and part.flags.c_contiguous
            if is_direct and part.dtype == self.layout.stored:
                self._decode(sample, piece, part)
            else:
                self.layout.put(part, self._kept(sample, piece)[low - first : high - first])

    def announce(self, wanted: Sequence[Frames]) -> None:
        """Have the indices of all files fetched, then the bytes of all pieces."""
        layout = self.layout
        places = dict.fromkeys(
            (sample, piece)
            for sample, start, stop in wanted
            for piece in range(start // layout.piece, -(-stop // layout.piece))
        )
        per_file = layout.block // layout.piece
        names = {layout.name(sample, piece // per_file) for sample, piece in places}
        size = layout.index_bytes
        self.files.announce(
            [Range(name, -size, size) for name in names if self._indices.get((0, name)) is None]
        )
        ranges = (self._range(*place) for place in places)
        self.files.announce([part for part in ranges if part is not None])

    def _kept(self, sample: int, piece: int) -> Shaped[np.ndarray, "time *space"]:
        """Decode a whole piece, unless this thread did so just before."""
        last = self._last
        if last.values is None:
            last.values = np.empty((self.layout.piece, *self.space), self.layout.stored)
        if last.place != (sample, piece):
            last.place = None
            self._decode(sample, piece, last.values)
            last.place = (sample, piece)
        return last.values

    def _decode(self, sample: int, piece: int, out: np.ndarray) -> None:
        from numcodecs import blosc

        part = self._range(sample, piece)
        if part is None:
            out[...] = np.nan if out.dtype.kind == "f" else 0x7FC0
            return
        packed = self.files.get(part)
        problem = f"it should hold {out.nbytes} bytes"
        if part.size >= 16:
            # Blosc's header: what it makes, and what it takes.
            sizes = struct.unpack_from("<I4xI", packed.data, 4)
            if sizes == (out.nbytes, part.size):
                try:
                    blosc.decompress(packed, out)
                except (RuntimeError, ValueError) as error:
                    problem = str(error)
                else:
                    return
        raise DataError(
            f"{self.folder / part.name}: the {part.size} bytes at {part.start} cannot be "
            f"decompressed: {problem}.",
            remedy=REMEDY,
        )

    def _range(self, sample: int, piece: int) -> Range | None:
        """Bytes of a piece; None for one that was never written."""
        layout = self.layout
        block, number = divmod(piece, layout.block // layout.piece)
        name = layout.name(sample, block)
        index = self._indices.get((0, name))
        if index is None:
            index = self._read_index(name)
            self._indices.put((0, name), index)
        offset, size = index[number]
        return None if offset == size == ABSENT else Range(name, int(offset), int(size))

    def _read_index(self, name: str) -> np.ndarray:
        """Read and check the index of a file, as (pieces, 2) offsets and sizes."""
        tail = self.files.tail(name, self.layout.index_bytes)
        content, checksum = tail[:-4].tobytes(), int(tail[-4:].view("<u4")[0])
        if google_crc32c.value(content) != checksum:
            raise DataError(
                f"{self.folder / name} is damaged: the checksum of its index is "
                f"{google_crc32c.value(content):08x}, expected {checksum:08x}.",
                remedy=REMEDY,
            )
        return np.frombuffer(content, "<u8").reshape(-1, 2)


class ZarrChunks(Chunks):
    """An array in any other layout, read by Zarr: right, and slower."""

    def __init__(
        self,
        array: "zarr.Array[Any]",
        folder: Path,
        reason: str,
        *,
        has_time: bool,
        may_miss: bool,
    ) -> None:
        """Look at the type of the values.

        Args:
            array: what to read from.
            folder: of its files.
            reason: why Zarr has to, as a clause.
            has_time: whether dims are (sample, time, *space); otherwise (sample, *space).
            may_miss: whether NaN may stand in it for missing values.

        Raises:
            TypeError: its values are no floating-point numbers.
        """
        self.array, self.folder, self.reason = array, folder, reason
        self.has_time, self.may_miss = has_time, may_miss
        self.is_bfloat16 = array.attrs.get("matey_dtype") == BFLOAT16 and array.dtype == np.uint16
        if array.dtype.kind != "f" and not self.is_bfloat16:
            raise TypeError(f"it holds {array.dtype}, no floating-point numbers")
        self.dtype = np.dtype("<f4") if self.is_bfloat16 else array.dtype
        self.space = array.shape[2 if has_time else 1 :]

    def read_into(self, out: Float[np.ndarray, "time *space"], frames: Frames) -> None:
        """Read through Zarr's pipeline."""
        sample, start, stop = frames
        place = (sample, slice(start, stop)) if self.has_time else (slice(sample, sample + 1),)
        try:
            stored = np.asarray(self.array[place])
        except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
            raise self._damaged(frames, f"cannot be read: {error}") from error
        if self.is_bfloat16:
            stored = (stored.astype(np.uint32) << 16).view(np.float32)
        # Zarr gives NaN for files that are not there.
        if not self.may_miss and np.isnan(stored).any():
            raise self._damaged(frames, "have missing values, where the store has none")
        np.copyto(out, stored, casting="same_kind")

    def _damaged(self, frames: Frames, problem: str) -> DataError:
        sample, start, stop = frames
        return DataError(
            f"{self.folder} is damaged: frames {start} to {stop - 1} of sample {sample} {problem}.",
            remedy=REMEDY,
        )
