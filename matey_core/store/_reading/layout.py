"""How an array lies in files that matey reads without Zarr's machinery."""

import math
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayLayout:
    """Files that hold some frames of one sample each, whole in space."""

    stored: np.dtype
    """Type in the files, little-endian; uint16 for bfloat16."""
    space: tuple[int, ...]
    has_time: bool
    """Whether dims are (sample, time, *space); otherwise (sample, *space)."""
    block: int
    """Frames of a file."""
    piece: int
    """Frames compressed together; equal to `block` where nothing is compressed."""
    is_compressed: bool
    is_bfloat16: bool

    @property
    def dtype(self) -> np.dtype:
        """Smallest NumPy type that holds the values: float32 for bfloat16."""
        return np.dtype("<f4") if self.is_bfloat16 else self.stored

    @property
    def frame_bytes(self) -> int:
        """Bytes of a frame, uncompressed."""
        return self.stored.itemsize * math.prod(self.space)

    @property
    def index_bytes(self) -> int:
        """Bytes at the end of a compressed file: offset and size of each piece, checksum."""
        return 16 * (self.block // self.piece) + 4

    def name(self, sample: int, block: int) -> str:
        """Name of a file below the array's folder."""
        index = f"c/{sample}/{block}" if self.has_time else f"c/{sample}"
        return index + "/0" * len(self.space)

    def put(self, out: np.ndarray, stored: np.ndarray) -> None:
        """Copy values, as they are in a file, into floating-point ones."""
        if not self.is_bfloat16:
            np.copyto(out, stored, casting="same_kind")
            return
        bits = out.view(np.uint32)
        bits[...] = stored
        bits <<= 16
