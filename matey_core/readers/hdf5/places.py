"""Positions, times and steps that arrays and attributes of a file tell by their names."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Shaped

from matey_core.containers.hdf5 import MAX_LENGTH
from matey_core.containers.lazy import Stored
from matey_core.errors import DataError
from matey_core.readers._options import usual_role
from matey_core.readers.netcdf.dims import step_names

_DECORATED = re.compile(
    r"(?:grid|coords?|mesh)?[-_ ]?([a-z]+?)"
    r"(?:[-_ ]?(?:coor|coords?|coordinates?|grid|axis|mesh|points|values|vals|array)|_hash_\w+)?"
)
TIMES = ("sim_time", "tspan", "t_span", "timestamps", "physical_time")
ROUNDING = 1e-5
"""Positions that differ by less, in parts of their range, are the same."""


class Positions(NamedTuple):
    """Positions along a dim."""

    values: Shaped[np.ndarray, "points"] | None
    """None where they do not increase, or are not the same everywhere."""
    unit: str
    path: str


def place_of(name: str) -> str | None:
    """The dim that an array of this name has positions along: time, x, y, z or of its own name."""
    text = name.lower()
    if text in TIMES:
        return "time"
    hit = _DECORATED.fullmatch(text)
    return (usual_role(hit[1]) or hit[1]) if hit else None


def places(
    path: Path, arrays: Mapping[str, Stored], sizes: Mapping[str, int], folders: Sequence[str]
) -> Iterator[tuple[str, Positions]]:
    """Find positions along dims, and what looks like some and is none.

    Args:
        path: for the error text.
        arrays: all of the file.
        sizes: points by dim; space axes in the order of the fields.
        folders: where to look, the nearest first.
    """
    space = tuple(sizes[dim] for dim in sizes if dim not in ("sample", "time", "field"))
    for dim, size in sizes.items():
        if dim in ("sample", "field"):
            continue
        for name, array in _near(arrays, folders, dim):
            axis = _axis_of(array.shape, size, sizes.get("sample"), dim, list(sizes), space)
            if axis is None or array.dtype.kind not in "fiu":
                continue
            values = _row(path, name, array, axis, is_time=dim == "time")
            yield dim, Positions(values, str(array.attributes.get("units", "")), name)
            if values is not None:
                break


def _near(
    arrays: Mapping[str, Stored], folders: Sequence[str], dim: str
) -> Iterator[tuple[str, Stored]]:
    """Arrays whose names tell that they are positions along a dim, the nearest first."""
    for folder in folders:
        for name, array in arrays.items():
            inner, _, last = name.rpartition("/")
            if inner == folder and (last == dim or place_of(last) == dim):
                yield name, array


def _axis_of(
    shape: tuple[int, ...],
    size: int,
    samples: int | None,
    dim: str,
    dims: list[str],
    space: tuple[int, ...],
) -> int | None:
    """Axis of an array along which its positions lie: alone, by sample, or on the whole grid."""
    if len(shape) > 1 and shape == space and dim in dims:
        return [d for d in dims if d not in ("sample", "time", "field")].index(dim)
    longer = [axis for axis, points in enumerate(shape) if points != 1]
    if len(shape) == 2 and shape == (samples, size):
        return 1
    if [shape[axis] for axis in longer] == [size]:
        return longer[0]
    return 0 if shape == (size,) else None


def _row(
    path: Path, name: str, array: Stored, axis: int, *, is_time: bool
) -> Shaped[np.ndarray, "points"] | None:
    """Positions along an axis, if they are the same everywhere and increase or decrease."""
    if np.prod(array.shape, dtype=np.float64) > MAX_LENGTH:
        raise DataError(f"{path}: {name} has shape {array.shape}, too large for positions.")
    stored = np.moveaxis(array.part((slice(None),) * len(array.shape)), axis, -1)
    stored = stored.reshape(-1, stored.shape[-1])
    rows = stored.astype(np.float64)
    gaps = np.diff(rows[0])
    is_sorted = bool((gaps > 0).all() or (gaps < 0).all()) and np.isfinite(rows).all()
    # Samples may begin at different times, as long as the steps are the same.
    rows = rows - rows[:, :1] if is_time else rows
    tolerance = ROUNDING * max(float(np.ptp(rows[0])), float(np.finfo(np.float64).tiny))
    is_shared = is_sorted and np.abs(rows - rows[0]).max() <= tolerance
    # Times that go back are a fault of the file, which is told where they are checked.
    if not is_shared and not (is_time and len(rows) == 1):
        return None
    row = stored[0]
    return row.astype(row.dtype.newbyteorder("<") if row.dtype.kind == "f" else np.float64)


def steps(
    arrays: Mapping[str, Stored],
    attributes: Mapping[str, Any],
    dims: Sequence[str],
    folders: Sequence[str],
) -> dict[str, tuple[float, str]]:
    """Steps of dims without positions: by attributes such as `dx`, or by arrays of one number."""
    found = {}
    for dim in dims:
        names = step_names(dim)
        stated = [(f"the attribute {key}", value) for key, value in attributes.items()]
        for folder in folders:
            paths = (f"{folder}/{name}".strip("/") for name in names)
            stated += [
                (place, arrays[place].part((slice(None),) * len(arrays[place].shape)))
                for place in paths
                if place in arrays and len(arrays[place].shape) < 3
            ]
        for where, value in stated:
            numbers = np.unique(value) if np.asarray(value).dtype.kind in "fiu" else np.empty(0)
            is_named = where.rpartition("/")[2].rpartition(" ")[2].lower() in names
            if is_named and numbers.size == 1 and 0 < float(numbers[0]) < np.inf:
                found[dim] = float(numbers[0]), where
                break
    return found
