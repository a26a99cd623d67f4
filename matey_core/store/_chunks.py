"""Uncompressed chunks of a Zarr array, read and written as the plain files they are.

Every chunk holds some frames of one sample, whole in space. Going to the files
directly costs 0.05 ms a read where Zarr's own machinery costs 1 ms, reads only the
frames asked for, and leaves nothing running in the background when interrupted.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from jaxtyping import Shaped

from matey_core.errors import DataError


@dataclass(frozen=True, slots=True, kw_only=True)
class Chunks:
    """The files of one array with dims (sample, time, *space) or (sample, *space)."""

    folder: Path
    dtype: np.dtype
    space: tuple[int, ...]
    block: int
    """Frames of a chunk."""
    has_time: bool = True

    @classmethod
    def of(cls, array: "zarr.Array[Any]", folder: Path, *, has_time: bool) -> "Chunks":
        """Describe an array that exists.

        Raises:
            DataError: its chunks are compressed, sharded, or cut in space.
        """
        first = 2 if has_time else 1
        plain = not array.compressors and array.shards is None and not array.filters
        if not plain or array.chunks[0] != 1 or array.chunks[first:] != array.shape[first:]:
            raise DataError(
                f"{folder} does not have the chunks of a matey store.",
                remedy="Convert the source again with `matey prepare --overwrite`.",
            )
        return cls(
            folder=folder,
            dtype=array.dtype.newbyteorder("<"),
            space=array.shape[first:],
            block=array.chunks[1] if has_time else 1,
            has_time=has_time,
        )

    def path(self, sample: int, block: int) -> Path:
        """File of a chunk."""
        index = (sample, block) if self.has_time else (sample,)
        return self.folder.joinpath("c", *map(str, (*index, *(0 for _ in self.space))))

    def write(self, sample: int, block: int, values: Shaped[np.ndarray, "time *space"]) -> None:
        """Write a chunk; a last one with fewer frames is filled up with NaN."""
        whole = values
        if len(values) < self.block:
            whole = np.full((self.block, *self.space), np.nan, self.dtype)
            whole[: len(values)] = values
        path = self.path(sample, block)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(np.ascontiguousarray(whole, self.dtype).data)

    def read(self, sample: int, start: int, stop: int) -> Shaped[np.ndarray, "time *space"]:
        """Read frames `start` to `stop` (exclusive).

        Raises:
            DataError: a chunk is missing or too short.
        """
        values = np.empty((stop - start, *self.space), self.dtype)
        frame_bytes = values.dtype.itemsize * int(np.prod(self.space))
        for block in range(start // self.block, -(-stop // self.block)):
            first = block * self.block
            low, high = max(start, first), min(stop, first + self.block)
            part = values[low - start : high - start]
            self._fill(part, self.path(sample, block), (low - first) * frame_bytes)
        return values

    def _fill(self, part: np.ndarray, path: Path, offset: int) -> None:
        try:
            with path.open("rb", buffering=0) as file:
                file.seek(offset)
                got = file.readinto(part.data.cast("B"))
        except FileNotFoundError:
            got = 0
        if got != part.nbytes:
            raise DataError(
                f"{path}: {part.nbytes} bytes expected at {offset}, {got} found.",
                remedy="Convert the source again with `matey prepare --overwrite`.",
            )
