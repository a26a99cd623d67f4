"""What is inside a file: every array, its shape, type and attributes, and what may read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from matey_core.containers.damage import reading
from matey_core.containers.hdf5 import text_of
from matey_core.containers.tree import arrays_of, attributes_of, left_out
from matey_core.readers.hdf5.proposal import proposed

MOST_TEXT = 60
"""Characters of an attribute."""
TECHNICAL = {"CLASS", "DIMENSION_LIST", "DIMENSION_LABELS", "NAME", "REFERENCE_LIST"}
"""Attributes by which HDF5 ties arrays to their scales."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrayRow:
    """An array of a file."""

    path: str
    shape: tuple[int, ...]
    dtype: str
    attributes: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContents:
    """All arrays of a file, and a command that may read it."""

    path: Path
    arrays: tuple[ArrayRow, ...]
    attributes: dict[str, str]
    """Of the file itself."""
    outside: tuple[str, ...]
    """What leads out of the file, or nowhere, and is not looked at."""
    command: tuple[str, ...]
    """Words after `matey`; none where no array can be a field."""


def contents_of(path: Path) -> FileContents:
    """List what is inside a file.

    Raises:
        DataError: it is neither HDF5 nor of MATLAB, or damaged.
        ConfigError: a package lacks.
    """
    with reading(path):
        arrays = arrays_of(path)
        return FileContents(
            path=path,
            arrays=tuple(
                ArrayRow(
                    path=name,
                    shape=array.shape,
                    dtype="text" if h5py.check_string_dtype(array.dtype) else str(array.dtype),
                    attributes=_texts(array.attributes),
                )
                for name, array in arrays.items()
            ),
            attributes=_texts(attributes_of(path)),
            outside=tuple(left_out(path)),
            command=proposed(path, arrays),
        )


def _texts(attributes: Mapping[str, Any]) -> dict[str, str]:
    found = {}
    for name, value in attributes.items():
        if name not in TECHNICAL:
            values = [text_of(v) for v in np.ravel(value)[:MOST_TEXT]]
            text = ", ".join(values)
            found[name] = text if len(text) <= MOST_TEXT else f"{text[: MOST_TEXT - 1]}…"
    return found
