"""`.npy` and `.npz` files: where their values lie, and arrays that read them when asked."""

import math
import os
import zipfile
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import IO, Any

import numpy as np
from jaxtyping import Shaped

from matey_core.containers.lazy import Lazy, Stored
from matey_core.errors import DataError
from matey_core.files import version
from matey_core.machine import memory

MAGIC = b"\x93NUMPY"
ZIP = b"PK\x03\x04"
LOCAL_HEADER = 30
"""Bytes before the name of a member of a zip file."""
ENCRYPTED = 1
MOST_UNPACKED = memory() // 2
"""Bytes of a compressed member, which is unpacked whole."""
MOST_PACKED = 100
"""Unpacked bytes for each packed one, beyond `FEW_UNPACKED`: fields do not shrink so much."""
FEW_UNPACKED = 2**28


@dataclass(frozen=True, slots=True)
class ArrayHead:
    """What a file says of an array."""

    shape: tuple[int, ...]
    dtype: np.dtype
    order: str
    offset: int
    """Bytes of the header."""

    @property
    def num_bytes(self) -> int:
        """Bytes of all values."""
        return math.prod(self.shape) * self.dtype.itemsize


def is_npy(path: Path) -> bool:
    """Whether a file has the mark of `.npy`."""
    return _starts_with(path, MAGIC)


def is_npz(path: Path) -> bool:
    """Whether a file is a zip file with `.npy` members."""
    if not _starts_with(path, ZIP):
        return False
    try:
        with zipfile.ZipFile(path) as file:
            return any(name.endswith(".npy") for name in file.namelist())
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return False


def _starts_with(path: Path, mark: bytes) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(len(mark)) == mark
    except OSError:
        return False


def open_npy(path: Path) -> Stored:
    """Map the array of a file into memory.

    Raises:
        DataError: it is cut short or holds Python objects.
    """
    with path.open("rb") as file:
        head = _head(path, file)
    return Stored(mapped(path, head, head.offset))


def shape_and_type(path: Path) -> tuple[tuple[int, ...], str]:
    """Return what two files must share to be trajectories of one source."""
    with path.open("rb") as file:
        head = _head(path, file)
    return head.shape, head.dtype.str


def open_npz(path: Path) -> dict[str, Stored]:
    """Map uncompressed members into memory; compressed ones are read whole when asked for.

    Raises:
        DataError: a member is cut short, encrypted, or holds Python objects.
    """
    found = {}
    with zipfile.ZipFile(path) as file:
        for info in file.infolist():
            if not info.filename.endswith(".npy"):
                continue
            if info.flag_bits & ENCRYPTED:
                raise DataError(f"{path}: {info.filename} is encrypted.", remedy="Decrypt it.")
            with file.open(info) as member:
                head = _head(path, member)
            if info.file_size != head.offset + head.num_bytes:
                raise DataError(
                    f"{path}: {info.filename} has {info.file_size} bytes; its header tells of "
                    f"{head.offset + head.num_bytes}.",
                    remedy="Save it again.",
                )
            found[info.filename.removesuffix(".npy")] = Stored(_member(path, info, head))
    return found


def _head(path: Path, file: IO[bytes]) -> ArrayHead:
    version = np.lib.format.read_magic(file)
    read = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if read is None:
        raise DataError(
            f"{path} has version {version} of the format, which plain numbers never need.",
            remedy="Save it again with numpy.save.",
        )
    shape, is_fortran, dtype = read(file)
    if dtype.hasobject:
        raise DataError(
            f"{path} holds Python objects, which can run programs when they are read.",
            remedy="Save the numbers as a floating type.",
        )
    return ArrayHead(shape, dtype, "F" if is_fortran else "C", file.tell())


def mapped(path: Path, head: ArrayHead, offset: int) -> Shaped[np.ndarray, "..."]:
    """Map an array into memory.

    Raises:
        DataError: the file is cut short.
    """
    if offset + head.num_bytes > path.stat().st_size or min(head.shape, default=0) < 0:
        raise DataError(
            f"{path} is truncated: it has {path.stat().st_size} bytes, and an array of shape "
            f"{head.shape} and type {head.dtype} needs {offset + head.num_bytes}.",
            remedy="Copy it again.",
        )
    if not head.num_bytes:
        return np.empty(head.shape, head.dtype)
    order: Any = head.order
    return np.memmap(path, head.dtype, "r", offset, head.shape, order)


def most_unpacked(packed: int) -> int:
    """Bytes that so many packed ones may unpack to."""
    return min(MOST_UNPACKED, max(FEW_UNPACKED, MOST_PACKED * packed))


def _member(path: Path, info: zipfile.ZipInfo, head: ArrayHead) -> Any:
    if info.compress_type != zipfile.ZIP_STORED:
        if info.file_size > most_unpacked(info.compress_size):
            raise DataError(
                f"{path}: {info.filename} unpacks to {info.file_size:,} bytes, from "
                f"{info.compress_size:,}; a compressed member is unpacked whole.",
                remedy="If it is right, save it with numpy.savez, without compression.",
            )
        known = (*version(path.stat()), os.getpid())
        whole = partial(_unpacked, path, info.filename, known)
        return Lazy(head.shape, head.dtype, lambda key: whole()[key])
    with path.open("rb") as file:
        file.seek(info.header_offset)
        local = file.read(LOCAL_HEADER)
    name_and_extra = int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:], "little")
    start = info.header_offset + LOCAL_HEADER + name_and_extra
    return mapped(path, head, start + head.offset)


@lru_cache(maxsize=1)
def _unpacked(path: Path, member: str, known: tuple[int, ...]) -> Shaped[np.ndarray, "..."]:
    """Read a compressed member whole. The last one is kept, as its frames are read in turn."""
    with zipfile.ZipFile(path) as file, file.open(member) as stream:
        return np.lib.format.read_array(stream, allow_pickle=False)
