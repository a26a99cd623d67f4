"""Arrays of a file of any layout, by path; parts of their values are read when asked for."""

import math
import re
from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from matey_core.containers.hdf5 import (
    attributes,
    check_written,
    datasets,
    groups,
    is_hdf5,
    members,
    open_hdf5,
)
from matey_core.containers.lazy import Lazy, Stored
from matey_core.containers.matlab5 import is_matlab5, open_matlab5
from matey_core.errors import DataError

DEEPEST = 16
"""Groups in groups; more are a loop, or no layout of data."""
MOST_ARRAYS = 100_000
FEW = 16
"""So many arrays are looked at to tell quickly of what kind a file is."""
MATLAB = "MATLAB_class"
"""Attribute of what MATLAB has written, with all dims in the opposite order."""
DIMS = ("DIMENSION_LIST", "DIMENSION_LABELS")
_HASH = re.compile(r"_hash_\w+$")


class _Reading:
    """A file that its arrays read from; HDF5 keeps it open as long as one of them lives."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._checked: set[str] = set()

    def read(self, name: str, is_reversed: bool, key: Any) -> np.ndarray:
        with open_hdf5(self.path, user=self) as file:
            array = _at(file, name)
            if array is None:
                raise DataError(f"{self.path} has no {name} any more.")
            if name not in self._checked:
                check_written(self.path, array)
                self._checked.add(name)
            return array[key[::-1]].T if is_reversed else array[key]


def is_container(path: Path) -> bool:
    """Whether a file is HDF5 or of MATLAB 5, by content.

    Raises:
        DataError: it is named like HDF5 and is not.
    """
    return path.is_file() and (is_matlab5(path) or is_hdf5(path))


def arrays_of(path: Path) -> dict[str, Stored]:
    """List all arrays by paths such as `train/u`; those of MATLAB have MATLAB's order of dims.

    Links are left out, and so is what lies in other files.

    Raises:
        DataError: the file cannot be read.
        ConfigError: a package lacks.
    """
    if is_matlab5(path):
        return open_matlab5(path)
    found: dict[str, Stored] = {}
    reader = _Reading(path)
    with open_hdf5(path) as file:
        for name, array in _walk(file, "", {_address(file)}, DEEPEST):
            if len(found) == MOST_ARRAYS:
                raise DataError(f"{path} has more than {MOST_ARRAYS:,} arrays.")
            found[name] = _stored(reader, name, array)
    return found


def attributes_of(path: Path, folders: Iterable[str] = ("",)) -> dict[str, Any]:
    """Attributes of groups, the first of a name; none of a file of MATLAB 5."""
    if is_matlab5(path):
        return {}
    found: dict[str, Any] = {}
    with open_hdf5(path) as file:
        for folder in folders:
            group = _group(file, folder)
            found = {**(attributes(group) if group is not None else {}), **found}
    return found


def first_arrays(file: h5py.File) -> list[h5py.Dataset]:
    """Give some arrays of a file, which tell quickly of what kind it is."""
    return [array for _, array in islice(_walk(file, "", {_address(file)}, DEEPEST), FEW)]


def has_names(array: h5py.Dataset) -> bool:
    """Whether an array has labels or scales along its dims."""
    return any(key in array.attrs for key in DIMS)


def left_out(path: Path) -> list[str]:
    """Name what lies at the root of a file or below and leads out of it, or nowhere."""
    if is_matlab5(path):
        return []
    with open_hdf5(path) as file:
        return list(_outside(file, "", {_address(file)}, DEEPEST))


def _walk(
    group: h5py.Group, folder: str, seen: set[int], deeper: int
) -> Iterator[tuple[str, h5py.Dataset]]:
    for name, item in members(group).items():
        if isinstance(item, h5py.Dataset):
            yield f"{folder}{name}", item
        elif _is_new(name, item, seen, deeper):
            yield from _walk(item, f"{folder}{name}/", seen, deeper - 1)


def _outside(group: h5py.Group, folder: str, seen: set[int], deeper: int) -> Iterator[str]:
    found = members(group)
    for name in group:
        if name not in found:
            yield f"{folder}{name}"
        elif isinstance(item := found[name], h5py.Group) and _is_new(name, item, seen, deeper):
            yield from _outside(item, f"{folder}{name}/", seen, deeper - 1)


def _is_new(name: str, group: h5py.Group, seen: set[int], deeper: int) -> bool:
    """Whether a group was not met before, is not too deep, and none of MATLAB's own."""
    address = _address(group)
    if not deeper or address in seen or name.startswith("#"):
        return False
    seen.add(address)
    return True


def _address(group: h5py.Group) -> int:
    return h5py.h5o.get_info(group.id).addr


def _group(file: h5py.File, path: str) -> h5py.Group | None:
    group: h5py.Group | None = file
    for name in filter(None, path.split("/")):
        group = None if group is None else groups(group).get(name)
    return group


def _at(file: h5py.File, path: str) -> h5py.Dataset | None:
    folder, _, name = path.rpartition("/")
    group = _group(file, folder)
    return None if group is None else datasets(group).get(name)


def _stored(reader: _Reading, name: str, array: h5py.Dataset) -> Stored:
    known = attributes(array)
    is_reversed = MATLAB in known
    shape = array.shape[::-1] if is_reversed else array.shape
    if "MATLAB_empty" in known:
        shape = (0,)
    dims = None if is_reversed or not has_names(array) else _dims(array)
    values = Lazy(shape, array.dtype, partial(reader.read, name, is_reversed))
    chunks = array.chunks and (array.chunks[::-1] if is_reversed else array.chunks)
    return Stored(values, dims, known, chunks=chunks)


def _dims(array: h5py.Dataset) -> tuple[str, ...] | None:
    """Names of dims by their labels, else by the scales along them; empty where there is none."""
    names = []
    for dim in array.dims:
        scales = [str(scale.name).rpartition("/")[2] for scale in dim.values()]
        names.append(dim.label or (_HASH.sub("", scales[0]) if scales else ""))
    return tuple(names) if any(names) else None


def num_bytes(array: Stored) -> int:
    """Bytes of all values."""
    return math.prod(array.shape) * array.dtype.itemsize
