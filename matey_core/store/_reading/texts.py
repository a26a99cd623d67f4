"""Arrays of strings, read by the specification of `vlen-utf8` and within the size of their files.

The package numcodecs makes as many strings as the first four bytes of a chunk say.
"""

import math
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from matey_core.files import MOST_BYTES, read_bytes

NUMBER = 4
"""Bytes of a number of strings, and of the length of each; little-endian."""
GZIP = 31
"""How zlib names a header of gzip."""


def texts(folder: Path, described: Mapping[str, Any]) -> Shaped[np.ndarray, "sample"]:
    """Read an array of strings with one axis.

    Args:
        folder: of its files.
        described: its metadata, with codecs that are allowed.

    Raises:
        ValueError: a file contradicts the metadata, or the layout is another.
        OSError: a file is missing.
    """
    (length,) = described["shape"]
    (chunk,) = described["chunk_grid"]["configuration"]["chunk_shape"]
    first, *rest = map(_named, described["codecs"])
    separator = (_named(described["chunk_key_encoding"])[1] or {}).get("separator", "/")
    if first[0] != "vlen-utf8" or chunk < 1:
        raise ValueError(f"strings are encoded by {first[0]}, in chunks of {chunk}")
    found: list[str] = []
    for number in range(math.ceil(length / chunk)):
        packed = read_bytes(folder / f"c{separator}{number}")
        for name, _ in reversed(rest):
            packed = _unpacked(packed, name)
        found += _strings(packed, chunk)
    return np.array(found[:length], dtype=np.dtypes.StringDType())


def _strings(packed: bytes, expected: int) -> list[str]:
    count = int.from_bytes(packed[:NUMBER], "little")
    if count != expected or NUMBER * (count + 1) > len(packed):
        raise ValueError(f"{len(packed)} bytes for {count:,} strings, of {expected:,} expected")
    found, place = [], NUMBER
    for _ in range(count):
        size = int.from_bytes(packed[place : place + NUMBER], "little")
        place += NUMBER + size
        if place > len(packed):
            raise ValueError(f"a string of {size:,} bytes among {len(packed):,} bytes")
        found.append(packed[place - size : place].decode("utf-8"))
    return found


def _unpacked(packed: bytes, codec: str) -> bytes:
    """Undo a compression whose outcome has a size that is known, or bounded, beforehand."""
    from numcodecs import blosc, zstd

    if codec == "gzip":
        content = zlib.decompressobj(GZIP).decompress(packed, MOST_BYTES + 1)
        return _within(content, len(content))
    if codec == "blosc":
        _within(packed, int.from_bytes(packed[4:8], "little"))
        return bytes(blosc.decompress(packed))
    if codec == "zstd":
        _within(packed, _size_of_zstd(packed))
        return bytes(zstd.decompress(packed))
    raise ValueError(f"strings are compressed by {codec}")


def _within(content: bytes, size: int) -> bytes:
    if size > MOST_BYTES:
        raise ValueError(f"names of at least {size:,} bytes, of {MOST_BYTES:,} at most")
    return content


def _size_of_zstd(packed: bytes) -> int:
    """Size that the header of a frame promises (RFC 8878, 3.1.1.1)."""
    head = packed[4] if len(packed) > 4 else 0
    is_single = head >> 5 & 1
    start = 5 + (1 - is_single) + (0, 1, 2, 4)[head & 3]
    size = (is_single, 2, 4, 8)[head >> 6]
    if size == 0:
        raise ValueError("names are compressed without their size")
    return int.from_bytes(packed[start : start + size], "little") + 256 * (size == 2)


def _named(found: Any) -> tuple[str, Any]:
    if isinstance(found, str):
        return found, None
    return str(found["name"]), found.get("configuration")
