"""How an array lies in its files, and whether matey reads them without Zarr's machinery."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import zarr
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, ShardingCodec
from zarr.core.metadata.v3 import ArrayV3Metadata

BFLOAT16 = "bfloat16"
"""Value of the attribute `matey_dtype` of an array of uint16 bit patterns."""
QUIET_NAN = 0x7FC0
"""NaN among the bit patterns of bfloat16."""


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


def is_bfloat16(array: "zarr.Array[Any]") -> bool:
    """Whether an array of uint16 holds the bit patterns of bfloat16."""
    return array.attrs.get("matey_dtype") == BFLOAT16


def layout_of(array: "zarr.Array[Any]", *, has_time: bool) -> ArrayLayout | None:
    """Describe an array's files; None where only Zarr itself can read them.

    Raises:
        TypeError: its values are no floating-point numbers.
    """
    bfloat16 = is_bfloat16(array)
    if array.dtype.kind != "f" and not (bfloat16 and array.dtype == np.uint16):
        raise TypeError(f"{array.basename!r} holds {array.dtype}, no floating-point numbers")
    metadata = array.metadata
    first = 2 if has_time else 1
    file, piece = array.shards or array.chunks, array.chunks
    is_whole = file[0] == piece[0] == 1 and file[first:] == piece[first:] == array.shape[first:]
    if not isinstance(metadata, ArrayV3Metadata) or not is_whole or not _has_plain_names(metadata):
        return None
    # With any other value to fill up with, a file may be left out, by Zarr's rules.
    if not (array.fill_value == QUIET_NAN if bfloat16 else np.isnan(array.fill_value)):
        return None
    is_compressed = _is_sharded(metadata)
    if not is_compressed and not _is_raw(metadata.codecs):
        return None
    return ArrayLayout(
        stored=array.dtype.newbyteorder("<"),
        space=array.shape[first:],
        has_time=has_time,
        block=file[1] if has_time else 1,
        piece=piece[1] if has_time else 1,
        is_compressed=is_compressed,
        is_bfloat16=bfloat16,
    )


def _has_plain_names(metadata: ArrayV3Metadata) -> bool:
    return metadata.chunk_key_encoding.to_dict() == {
        "name": "default",
        "configuration": {"separator": "/"},
    }


def _is_raw(codecs: tuple[Any, ...]) -> bool:
    return len(codecs) == 1 and _is_little(codecs[0])


def _is_little(codec: Any) -> bool:
    return isinstance(codec, BytesCodec) and getattr(codec.endian, "value", "") == "little"


def _is_sharded(metadata: ArrayV3Metadata) -> bool:
    """Whether pieces are compressed by Blosc, in files with a checked index at their end."""
    if len(metadata.codecs) != 1 or not isinstance(metadata.codecs[0], ShardingCodec):
        return False
    sharding = metadata.codecs[0]
    inner, index = sharding.codecs, sharding.index_codecs
    return (
        sharding.index_location.value == "end"
        and len(inner) == len(index) == 2
        and _is_little(inner[0])
        and isinstance(inner[1], BloscCodec)
        and _is_little(index[0])
        and isinstance(index[1], Crc32cCodec)
    )
