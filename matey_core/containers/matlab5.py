"""Files of MATLAB 5 to 7.2, which are no HDF5; scipy reads them, a variable at a time."""

import importlib.util
import math
import warnings
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Shaped

from matey_core.containers.lazy import Lazy, Stored
from matey_core.containers.npy import FEW_UNPACKED, MOST_PACKED, MOST_UNPACKED
from matey_core.errors import ConfigError, DataError, install_extra
from matey_core.files import version

CLASS = "class"
"""Attribute of a variable: MATLAB's name of its type."""
HEADER = 128
VERSIONS = (b"\x00\x01IM", b"\x01\x00MI")
"""Of the format, and the order of bytes, at the end of the header."""
TYPES = {
    "double": "f8",
    "single": "f4",
    "logical": "?",
    "int8": "i1",
    "int16": "i2",
    "int32": "i4",
    "int64": "i8",
    "uint8": "u1",
    "uint16": "u2",
    "uint32": "u4",
    "uint64": "u8",
}
"""Classes of MATLAB that are numbers, and types of the values."""
KEPT = 8
"""Variables that a process keeps."""


def is_matlab5(path: Path) -> bool:
    """Whether a file has the mark of MATLAB 5."""
    try:
        with path.open("rb") as file:
            return file.read(HEADER)[-4:] in VERSIONS
    except OSError:
        return False


def open_matlab5(path: Path) -> dict[str, Stored]:
    """List variables; one is read whole when it is first asked for.

    Raises:
        DataError: it unpacks to more than memory.
        ConfigError: scipy is not installed.
        Exception: whatever scipy raises on a damaged file.
    """
    if importlib.util.find_spec("scipy") is None:
        raise ConfigError(
            f"{path} is a file of MATLAB 5, and needs the package scipy.",
            remedy=f"{install_extra('hdf5')}, or save it with -v7.3 in MATLAB.",
        )
    import scipy.io

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        known = version(path.stat())
        listed: list[tuple[str, tuple[int, ...], str]] = scipy.io.whosmat(str(path))
    found = {}
    for name, shape, kind in listed:
        dtype = np.dtype(TYPES.get(kind, "O"))
        _check_size(path, name, math.prod(shape) * dtype.itemsize)
        read = partial(_part, path, name, dtype, known)
        found[name] = Stored(Lazy(shape, dtype, read), None, {CLASS: kind})
    return found


def _check_size(path: Path, name: str, size: int) -> None:
    most = min(MOST_UNPACKED, max(FEW_UNPACKED, MOST_PACKED * path.stat().st_size))
    if size > most:
        raise DataError(
            f"{path}: {name} unpacks to {size:,} bytes, of {most:,} at most; a variable of MATLAB "
            "5 is unpacked whole.",
            remedy="Save it with -v7.3 in MATLAB.",
        )


def _part(path: Path, name: str, dtype: np.dtype, known: tuple[int, ...], key: Any) -> np.ndarray:
    values = _whole(path, name, known)
    if values.dtype.kind not in "fiub":
        raise DataError(
            f"{path}: {name} has values of type {values.dtype}, where {dtype} is expected.",
            remedy="Save its real and imaginary parts as variables of their own.",
        )
    # What fits into whole numbers is stored as such, whatever its class.
    return values[key].astype(dtype)


@lru_cache(maxsize=KEPT)
def _whole(path: Path, name: str, known: tuple[int, ...]) -> Shaped[np.ndarray, "..."]:
    import scipy.io

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return scipy.io.loadmat(str(path), variable_names=[name])[name]
