"""How values become the bytes of a chunk: precision, compression, pieces."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

import google_crc32c
import numpy as np
from jaxtyping import Shaped

from matey_core.errors import ConfigError

Precision = Literal["source", "float16", "bfloat16", "float32", "float64"]
Compression = Literal["none", "lz4", "zstd"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
COMPRESSIONS: tuple[Compression, ...] = get_args(Compression)
MAX_BLOCK_BYTES = 8 * 2**20
"""A chunk file has as many frames as fit into this."""
PIECE_BYTES = 128 * 2**10
"""Frames compressed together have at least this size, so that single ones are cheap to read."""
LEVELS = {"lz4": 5, "zstd": 3}
ABSENT = 2**64 - 1
"""Offset and size, in the index of a shard, of a piece that is not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encoding:
    """Layout of the chunks of one array: some frames of one sample, whole in space."""

    dtype: np.dtype
    """Of the values, little-endian; for bfloat16 that of its bit patterns, uint16."""
    space: tuple[int, ...]
    frames: int
    """Frames of a sample; 1 for a static field."""
    block: int
    """Frames of a chunk file."""
    piece: int
    """Frames compressed together; divides `block`."""
    compression: Compression = "none"
    is_bfloat16: bool = False

    @classmethod
    def choose(
        cls,
        source: np.dtype,
        space: tuple[int, ...],
        frames: int,
        *,
        precision: Precision = "source",
        compression: Compression = "none",
        chunk: int | None = None,
    ) -> "Encoding":
        """Choose sizes of chunks.

        Args:
            source: type of the values that come.
            space: points along each axis.
            frames: frames of a sample.
            precision: of the values in the store.
            compression: of the chunks.
            chunk: frames of an uncompressed chunk, or compressed together.

        Raises:
            ConfigError: `chunk` is below 1.
        """
        if chunk is not None and chunk < 1:
            raise ConfigError(f"A chunk of {chunk} frames is not possible; it needs at least 1.")
        is_bfloat16 = precision == "bfloat16"
        given = {"source": source, "bfloat16": np.dtype("uint16")}
        dtype = (given.get(precision) or np.dtype(str(precision))).newbyteorder("<")
        frame_bytes = dtype.itemsize * int(np.prod(space))
        largest = max(1, min(frames, MAX_BLOCK_BYTES // frame_bytes))
        if compression == "none":
            block = piece = min(chunk, frames) if chunk else largest
        else:
            piece = min(chunk or max(1, -(-PIECE_BYTES // frame_bytes)), frames)
            block = max(1, largest // piece) * piece
        return cls(
            dtype=dtype,
            space=space,
            frames=frames,
            block=block,
            piece=piece,
            compression=compression,
            is_bfloat16=is_bfloat16,
        )

    @property
    def num_blocks(self) -> int:
        """Chunk files of a sample."""
        return -(-self.frames // self.block)

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame, uncompressed."""
        return self.dtype.itemsize * int(np.prod(self.space))

    def array_settings(self, *, has_time: bool) -> dict[str, Any]:
        """Chunks, shards, codecs and fill value for `zarr.Group.create_array`."""

        def shape(frames: int) -> tuple[int, ...]:
            return (1, frames, *self.space) if has_time else (1, *self.space)

        settings: dict[str, Any] = {
            "dtype": self.dtype,
            "chunks": shape(self.piece),
            "compressors": None,
            "fill_value": 0x7FC0 if self.is_bfloat16 else float("nan"),
        }
        if self.compression != "none":
            from zarr.codecs import BloscCodec

            settings["compressors"] = BloscCodec(
                typesize=self.dtype.itemsize,
                cname=self.compression,
                clevel=LEVELS[self.compression],
                shuffle="shuffle",
            )
            settings["shards"] = shape(self.block)
        return settings

    def convert(self, values: Shaped[np.ndarray, "..."]) -> np.ndarray:
        """Round values to the precision of the store."""
        if not self.is_bfloat16:
            with np.errstate(over="ignore"):  # what overflows is found as infinite
                return np.ascontiguousarray(values, self.dtype)
        single = np.ascontiguousarray(values, "<f4")
        bits = single.view("<u4")
        rounded = (bits + (((bits >> 16) & 1) + 0x7FFF)) >> 16  # to nearest, ties to even
        return np.where(np.isnan(single), 0x7FC0, rounded).astype("<u2")

    def numbers(self, stored: np.ndarray) -> np.ndarray:
        """Undo `convert` as far as rounding allows: floating-point values."""
        if not self.is_bfloat16:
            return stored
        return (stored.astype("<u4") << 16).view("<f4")

    def filling(self, frames: int) -> np.ndarray:
        """Frames of missing values."""
        value = 0x7FC0 if self.is_bfloat16 else np.nan
        return np.full((frames, *self.space), value, self.dtype)


class ChunkWriter:
    """Turns the frames of one chunk file, given in order, into its bytes."""

    def __init__(self, encoding: Encoding) -> None:
        self.encoding = encoding
        self.frames = 0
        self._waiting: list[np.ndarray] = []
        self._index: list[tuple[int, int]] = []
        self._offset = 0

    def add(self, stored: Shaped[np.ndarray, "time *space"]) -> Iterator[memoryview]:
        """Take in converted frames and give the bytes that are ready."""
        self.frames += len(stored)
        if self.encoding.compression == "none":
            yield _bytes_of(stored)
            return
        self._waiting.append(stored)
        while sum(map(len, self._waiting)) >= self.encoding.piece:
            yield self._compress()

    def finish(self) -> Iterator[memoryview]:
        """Fill up what is missing and give the last bytes."""
        encoding = self.encoding
        if encoding.compression == "none":
            if self.frames < encoding.block:
                yield _bytes_of(encoding.filling(encoding.block - self.frames))
            return
        if self._waiting:
            have = sum(map(len, self._waiting))
            self._waiting.append(encoding.filling(encoding.piece - have))
            yield self._compress()
        absent = encoding.block // encoding.piece - len(self._index)
        entries = [*self._index, *[(ABSENT, ABSENT)] * absent]
        index = b"".join(struct.pack("<QQ", *entry) for entry in entries)
        yield memoryview(index + struct.pack("<I", google_crc32c.value(index)))

    def _compress(self) -> memoryview:
        from numcodecs import blosc

        joined = np.concatenate(self._waiting) if len(self._waiting) > 1 else self._waiting[0]
        ready, rest = joined[: self.encoding.piece], joined[self.encoding.piece :]
        self._waiting = [rest] if len(rest) else []
        name = self.encoding.compression
        # One thread, whatever the machine has: the bytes must not depend on it.
        with _one_thread(blosc):
            packed = blosc.compress(
                np.ascontiguousarray(ready).reshape(-1),
                name.encode(),
                LEVELS[name],
                blosc.SHUFFLE,
            )
        self._index.append((self._offset, len(packed)))
        self._offset += len(packed)
        return memoryview(packed)


@contextmanager
def _one_thread(blosc: Any) -> Iterator[None]:
    """Blosc without threads of its own."""
    before = blosc.use_threads
    blosc.use_threads = False
    try:
        yield
    finally:
        blosc.use_threads = before


def _bytes_of(values: np.ndarray) -> memoryview:
    return np.ascontiguousarray(values).data.cast("B")
