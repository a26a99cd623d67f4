"""Files of MATLAB 5 to 7.2, which are no HDF5: variables of plain numbers.

The format is read here and not by scipy, which crashes the process on damaged files. An element is
a tag, of type and bytes, and its data; a variable is an element of elements, packed or not.
"""

import math
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from jaxtyping import Shaped

from matey_core.containers.damage import reading
from matey_core.containers.lazy import Lazy, Stored
from matey_core.containers.npy import ArrayHead, mapped, most_unpacked
from matey_core.errors import DataError
from matey_core.files import version

CLASS = "class"
"""Attribute of a variable: MATLAB's name of its type."""
HEADER = 128
ORDERS: dict[bytes, Literal["<", ">"]] = {b"\x00\x01IM": "<", b"\x01\x00MI": ">"}
"""End of the header: the version of the format, and the order of bytes."""
MATRIX, PACKED = 14, 15
"""Types of elements: a variable, and one that zlib has compressed."""
MOST_HEAD = 2**12
"""Bytes before the values of a variable: flags, dims and name."""
TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
"""Types of values as they are stored, which may be smaller than those of their class."""
NUMBERS = {
    6: ("double", "f8"),
    7: ("single", "f4"),
    8: ("int8", "i1"),
    9: ("uint8", "u1"),
    10: ("int16", "i2"),
    11: ("uint16", "u2"),
    12: ("int32", "i4"),
    13: ("uint32", "u4"),
    14: ("int64", "i8"),
    15: ("uint64", "u8"),
}
OTHERS = {1: "cell", 2: "struct", 3: "object", 4: "char", 5: "sparse"}
LOGICAL, COMPLEX = 0x200, 0x800
KEPT = 8
"""Unpacked variables that a process keeps."""


@dataclass(frozen=True, slots=True)
class _Variable:
    name: str
    kind: str
    dtype: np.dtype
    """Of the class; objects where they are no numbers."""
    stored: np.dtype | None
    """Of the values, as they are stored."""
    shape: tuple[int, ...]
    offset: int
    """Of the values, from the beginning of the element's data."""


def is_matlab5(path: Path) -> bool:
    """Whether a file has the mark of MATLAB 5."""
    try:
        with path.open("rb") as file:
            return file.read(HEADER)[-4:] in ORDERS
    except OSError:
        return False


def open_matlab5(path: Path) -> dict[str, Stored]:
    """List variables. A packed one is read whole when it is first asked for.

    Raises:
        DataError: it is damaged, or unpacks to more than memory.
    """
    found = {}
    with reading(path), path.open("rb") as file:
        order = ORDERS[file.read(HEADER)[-4:]]
        while tag := file.read(8):
            kind, size = struct.unpack(f"{order}II", tag)
            start = file.tell()
            variable = _variable(_head(file, kind, size), order)
            if variable.name:
                values = _values(path, variable, start, size if kind == PACKED else 0)
                found[variable.name] = Stored(values, None, {CLASS: variable.kind})
            file.seek(start + size)
            if file.tell() > path.stat().st_size:
                raise ValueError("it is cut short")
    return found


def _head(file: IO[bytes], kind: int, size: int) -> bytes:
    """Read the first bytes of a variable's data, unpacked."""
    if kind == MATRIX:
        return file.read(min(size, MOST_HEAD))
    if kind != PACKED:
        raise ValueError(f"it has an element of type {kind}, where variables are expected")
    return zlib.decompressobj().decompress(file.read(min(size, MOST_HEAD)), MOST_HEAD)[8:]


def _variable(head: bytes, order: Literal["<", ">"]) -> _Variable:
    _, flags, _, at = _element(head, 0, order)
    _, dims, _, at = _element(head, at, order)
    _, name, _, at = _element(head, at, order)
    word = struct.unpack(f"{order}I", flags[:4])[0]
    shape = struct.unpack(f"{order}{len(dims) // 4}i", dims)
    kind, dtype = NUMBERS.get(word & 0xFF, (OTHERS.get(word & 0xFF, "unknown"), "O"))
    if min(shape, default=0) < 0:
        raise ValueError(f"a variable has shape {shape}")
    text = name.decode("utf-8", "replace")
    if dtype == "O" or word & COMPLEX:
        plain = np.dtype("O") if dtype == "O" else np.result_type(np.dtype(dtype), np.complex64)
        return _Variable(text, kind, plain, None, shape, 0)
    number, _, (offset, size), _ = _element(head, at, order, is_whole=False)
    stored = np.dtype(TYPES[number]).newbyteorder(order)
    if size != math.prod(shape) * stored.itemsize:
        raise ValueError(f"{text} has {size} bytes for shape {shape} and type {stored}")
    plain = np.dtype(bool) if word & LOGICAL else np.dtype(dtype)
    return _Variable(text, kind, plain, stored, shape, offset)


def _element(
    head: bytes, at: int, order: Literal["<", ">"], *, is_whole: bool = True
) -> tuple[int, bytes, tuple[int, int], int]:
    """Read an element: its type, data, offset and bytes of the data, and what comes after it."""
    kind, size = struct.unpack_from(f"{order}II", head, at)
    is_short = kind >> 16  # It has its data in the tag.
    if is_short:
        kind, size = kind & 0xFFFF, kind >> 16
    first = at + (4 if is_short else 8)
    data = head[first : first + size]
    if is_whole and len(data) < size:
        raise ValueError(f"an element has {size} bytes")
    return kind, data, (first, size), at + 8 + (0 if is_short else -(-size // 8) * 8)


def _values(path: Path, variable: _Variable, start: int, packed: int) -> Any:
    if variable.stored is None:
        return Lazy(variable.shape, variable.dtype, partial(_refuse, path, variable))
    head = ArrayHead(variable.shape, variable.stored, "F", variable.offset)
    if not packed:
        plain = mapped(path, head, start + variable.offset)
        return Lazy(variable.shape, variable.dtype, lambda key: plain[key].astype(variable.dtype))
    if head.num_bytes > most_unpacked(packed):
        raise DataError(
            f"{path}: {variable.name} unpacks to {head.num_bytes:,} bytes, from {packed:,}; a "
            "packed variable is unpacked whole.",
            remedy="If it is right, save it with -v7.3 in MATLAB.",
        )
    whole = partial(_unpacked, path, head, start, packed, version(path.stat()))
    return Lazy(variable.shape, variable.dtype, lambda key: whole()[key].astype(variable.dtype))


def _refuse(path: Path, variable: _Variable, key: Any) -> np.ndarray:
    raise DataError(
        f"{path}: {variable.name} is of the class {variable.kind} and type {variable.dtype}.",
        remedy="Save plain real numbers.",
    )


@lru_cache(maxsize=KEPT)
def _unpacked(
    path: Path, head: ArrayHead, start: int, packed: int, known: tuple[int, ...]
) -> Shaped[np.ndarray, "..."]:
    before = 8 + head.offset
    with reading(path), path.open("rb") as file:
        file.seek(start)
        stream = zlib.decompressobj()
        data = stream.decompress(file.read(packed), before + head.num_bytes)
        stream.decompress(stream.unconsumed_tail, 8)
        if not stream.eof:  # Only there is the sum of all bytes checked.
            raise ValueError("a packed variable has no end")
        count = math.prod(head.shape)
        return np.frombuffer(data, head.dtype, count, before).reshape(head.shape, order="F")
