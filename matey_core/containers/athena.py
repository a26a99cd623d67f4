"""Athena++: a file a time, with the grid in blocks (`.athdf`). Blocks of one level are one grid."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Shaped

from matey_core.containers.hdf5 import MAX_LENGTH, datasets, text_of
from matey_core.containers.lazy import Lazy, Stored
from matey_core.errors import DataError

LOCATIONS, LEVELS = "LogicalLocations", "Levels"
"""Arrays with the place of every block, in blocks along x, y, z, and its level."""
MARKS = ("MeshBlockSize", "VariableNames", "DatasetNames")
AXES = {"cylindrical": ("r", "phi", "z"), "spherical_polar": ("r", "theta", "phi")}
CARTESIAN = ("x", "y", "z")


def is_marked_athena(file: h5py.File) -> bool:
    """Whether a file may have the layout, told quickly."""
    return LOCATIONS in datasets(file)


def is_athena(arrays: Mapping[str, Stored], attributes: Mapping[str, Any]) -> bool:
    """Whether a file has the layout."""
    return {LOCATIONS, LEVELS} <= arrays.keys() and set(MARKS) <= attributes.keys()


def whole_grid(
    path: Path, arrays: Mapping[str, Stored], attributes: Mapping[str, Any]
) -> dict[str, Stored]:
    """Give variables and positions on the whole grid, with named dims, and the time.

    Raises:
        DataError: blocks have several levels, or do not fill the grid.
    """
    size = np.ravel(attributes["MeshBlockSize"])[::-1].astype(int)
    places = arrays[LOCATIONS].part((slice(None), slice(None)))[:, ::-1].astype(int)
    levels = {*arrays[LEVELS].part((slice(None),)).tolist()}
    count = places.max(axis=0) + 1 if places.size else np.zeros(3, int)
    is_full = len(np.unique(places, axis=0)) == len(places) == np.prod(count)
    if len(levels) != 1 or len(size) != 3 or not is_full or (count * size).max() > MAX_LENGTH:
        raise DataError(
            f"{path} has {len(places)} blocks of {len(levels)} levels, for {count.prod()} places; "
            "only a grid of one level, filled by its blocks, can be read.",
            remedy="Write the data on one level in Athena++, such as <output>/refinement off.",
        )
    names = AXES.get(text_of(attributes.get("Coordinates", "")), CARTESIAN)[::-1]
    kept = [axis for axis in range(3) if count[axis] * size[axis] > 1]
    dims = tuple(names[axis] for axis in kept)
    shape = tuple(int(count[axis] * size[axis]) for axis in kept)
    found: dict[str, Stored] = {}
    variables = iter([text_of(name) for name in np.ravel(attributes["VariableNames"])])
    for key in np.ravel(attributes["DatasetNames"]):
        array = arrays.get(text_of(key))
        if array is None or array.shape[1:] != (len(places), *size):
            raise DataError(f"{path} has no array {text_of(key)} on its blocks.")
        for index, name in zip(range(array.shape[0]), variables, strict=False):
            read = partial(_part, array, index, places, size)
            found[name] = Stored(Lazy(shape, array.dtype, read), dims)
    for axis in kept:
        if (points := arrays.get(f"x{3 - axis}v")) is not None:
            rows = points.part((slice(None), slice(None)))
            _, first = np.unique(places[:, axis], return_index=True)
            found[names[axis]] = Stored(np.concatenate(rows[first]), (names[axis],))
    if "Time" in attributes:
        found["time"] = Stored(np.asarray(attributes["Time"], np.float64).reshape(()), ())
    return found


def _part(
    array: Stored,
    variable: int,
    places: Shaped[np.ndarray, "block 3"],
    size: Shaped[np.ndarray, "3"],
    key: tuple[Any, ...],
) -> np.ndarray:
    """Put the blocks of a variable together; axes of one point are dropped."""
    if key == (slice(0, 0),) * len(key):
        array.check()
        return np.empty((0,) * len(key), array.dtype)
    blocks = array.part((variable, *[slice(None)] * 4))
    whole = np.empty(tuple((places.max(axis=0) + 1) * size), array.dtype)
    for place, block in zip(places * size, blocks, strict=True):
        whole[tuple(slice(a, a + s) for a, s in zip(place, size, strict=True))] = block
    return whole.squeeze()[key]
