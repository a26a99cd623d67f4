"""HDF5 files: finding them by content, opening them, and reading coordinates."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from matey_core.errors import DataError
from matey_core.readers._find import walk

SIGNATURE = b"\x89HDF\r\n\x1a\n"
SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5")
UNEVEN = 0.05
"""Largest relative deviation of a spacing from the mean that still counts as uniform."""


def find_hdf5(folder: Path, exclude: Collection[Path]) -> list[Path]:
    """List HDF5 files below `folder`, by signature and not by name, in sorted order.

    Raises:
        DataError: the folder is missing or has none, or a file that is named
            like HDF5 is not HDF5.
    """
    candidates = [path for path in walk(folder, exclude) if path.is_file()]
    found = [path for path in candidates if is_hdf5(path)]
    if not found:
        raise DataError(
            f"{folder} holds no HDF5 file ({len(candidates)} files looked at).",
            remedy="Put PDEBench files there, or name another folder.",
        )
    return found


def is_hdf5(path: Path) -> bool:
    """Look for the signature at 0, 512, 1024, 2048, … as the format allows."""
    size, offset = path.stat().st_size, 0
    try:
        with path.open("rb") as file:
            while offset < size:
                file.seek(offset)
                if file.read(len(SIGNATURE)) == SIGNATURE:
                    return True
                offset = 2 * offset or 512
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    if path.suffix.lower() in SUFFIXES:
        raise DataError(
            f"{path} is named like HDF5 but is not HDF5 ({size} bytes).",
            remedy="Download it again, or move it away.",
        )
    return False


@contextmanager
def open_hdf5(path: Path) -> Iterator[h5py.File]:
    """Open a file for reading; whatever HDF5 finds wrong in it becomes a DataError."""
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, KeyError, RuntimeError) as error:
        reason = " ".join(str(error).split())
        cut_short = "truncated" in reason or "eof" in reason.lower()
        raise DataError(
            f"{path} is {'truncated' if cut_short else 'damaged'}: {reason}.",
            remedy="Download or copy it again.",
        ) from error


def datasets(group: h5py.Group) -> dict[str, h5py.Dataset]:
    """Arrays that lie directly in a group, without those kept in other, foreign files."""
    return {
        key: item
        for key in group
        if isinstance(item := group.get(key), h5py.Dataset) and not item.external
    }


def floating(path: Path, *arrays: h5py.Dataset) -> np.dtype:
    """Return the little-endian floating type that holds all arrays exactly.

    Raises:
        DataError: an array is empty or holds no floating-point numbers.
    """
    for array in arrays:
        if array.dtype.kind != "f" or not array.size:
            raise DataError(
                f"{path}: {array.name} has shape {array.shape} and type {array.dtype}; "
                "expected floating-point values."
            )
    return np.result_type(*(array.dtype for array in arrays)).newbyteorder("<")


def same_shape(path: Path, arrays: dict[str, h5py.Dataset]) -> tuple[int, ...]:
    """Return the shape that all arrays share.

    Raises:
        DataError: shapes differ.
    """
    first = next(iter(arrays.values()))
    for array in arrays.values():
        if array.shape != first.shape:
            raise DataError(
                f"{path}: {first.name} has shape {first.shape} and {array.name} has shape "
                f"{array.shape}; the arrays of a file must have one shape."
            )
    return first.shape


def uniform(path: Path, name: str, values: np.ndarray, *, points: int) -> float:
    """Check a coordinate and return its spacing.

    Args:
        path: the file, for the error text.
        name: the coordinate, for the error text.
        values: (points,) positions or times.
        points: how many there must be.

    Raises:
        DataError: wrong length, not finite, not increasing, or unevenly spaced.
    """
    if values.shape != (points,):
        raise DataError(f"{path}: {name} has shape {values.shape}; the data has {points} points.")
    if points == 1:
        return 1.0
    steps = np.diff(values.astype(np.float64))
    spacing = float(steps.mean())
    if not np.isfinite(values).all() or spacing <= 0 or (steps <= 0).any():
        raise DataError(f"{path}: {name} does not increase from each point to the next.")
    if np.abs(steps - spacing).max() > UNEVEN * spacing:
        raise DataError(
            f"{path}: {name} is unevenly spaced, from {steps.min():.4g} to {steps.max():.4g}; "
            "a uniform grid is expected.",
            remedy="Interpolate the data to a uniform grid first.",
        )
    return spacing


def text_of(value: Any) -> str:
    """Turn an attribute that may be bytes, a string or an array of one into a string."""
    value = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
