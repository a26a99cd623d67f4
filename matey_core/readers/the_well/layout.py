"""What a file of The Well says: which fields, along which axes, with which boundaries.

Groups `dimensions`, `boundary_conditions`, `scalars` and `t0_fields`, `t1_fields`,
`t2_fields` for scalars, vectors and tensors, whose components are the last axes. What
does not vary with the sample, in time or along an axis is stored without that axis.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from matey_core.containers.hdf5 import (
    attributes,
    check_written,
    chunk_along,
    datasets,
    groups,
    text_of,
)
from matey_core.errors import DataError
from matey_core.fields import RESERVED, Boundary, Field, can_name_a_field
from matey_core.quantities import known_field
from matey_core.readers._unread import unread

RANKS = {"t0_fields": 0, "t1_fields": 1, "t2_fields": 2}
"""Names that a store needs for itself."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One array of fields and where its values lie."""

    group: str
    name: str
    fields: tuple[Field, ...]
    """Its components, in the order of the last axes."""
    varies_by_sample: bool
    varies_in_time: bool
    varies_along: tuple[bool, ...]
    omits_axes: bool
    """Whether axes without variation are left out; else they are there with one point."""

    def frames_together(self, file: h5py.File) -> int:
        """Frames that lie in one chunk."""
        array = file[self.group][self.name]
        return chunk_along(array, int(self.varies_by_sample)) if self.varies_in_time else 1

    def read(self, file: h5py.File, sample: int, frames: slice) -> np.ndarray:
        """Read a sample.

        Returns:
            (c, time, *space), or (c, *space) of what does not vary in time; of size 1
            along axes where the values do not vary.
        """
        index = (sample,) * self.varies_by_sample + (frames,) * self.varies_in_time
        values = file[self.group][self.name][index]
        for axis, varies in enumerate(self.varies_along, start=int(self.varies_in_time)):
            if self.omits_axes and not varies:
                values = np.expand_dims(values, axis)
        num_axes = self.varies_in_time + len(self.varies_along)
        values = values.reshape(*values.shape[:num_axes], len(self.fields))
        return np.moveaxis(values, -1, 0)


def axes_of(path: Path, file: h5py.File) -> tuple[str, ...]:
    """Names of the space axes, in storage order.

    Raises:
        DataError: there are none, more than three, or names that are no names.
    """
    axes = names_in(groups(file)["dimensions"], "spatial_dims")
    wrong = [axis for axis in axes if not axis.isidentifier() or axis in RESERVED]
    if not 1 <= len(axes) <= 3 or wrong or len(set(axes)) < len(axes):
        raise DataError(
            f"{path}: the attribute spatial_dims of dimensions is {list(axes)}; "
            "expected the names of one, two or three axes, such as x and y."
        )
    return axes


def entries(path: Path, file: h5py.File, sizes: dict[str, int]) -> list[Entry]:
    """List the arrays of fields: scalars, vectors, tensors, in the order of the file.

    Args:
        path: the file, for the error text.
        file: the opened file.
        sizes: number of samples, of times, and of points along each axis.

    Raises:
        DataError: an array is missing or its shape is not what its attributes say.
    """
    found = []
    for group in RANKS:
        if group not in groups(file):
            continue
        arrays = datasets(file[group])
        for name in names_in(file[group], "field_names"):
            if name not in arrays:
                raise DataError(f"{path}: {group} names the field {name!r} and does not hold it.")
            found.append(_entry(path, arrays[name], group, name, sizes))
    _check_names(path, [field.name for entry in found for field in entry.fields], sizes)
    return found


def _entry(path: Path, array: h5py.Dataset, group: str, name: str, sizes: dict[str, int]) -> Entry:
    axes = tuple(sizes)[2:]
    along = np.atleast_1d(attributes(array).get("dim_varying", np.ones(len(axes), bool)))
    if along.shape != (len(axes),):
        raise DataError(
            f"{path}: the attribute dim_varying of {array.name} has {along.size} values for "
            f"{len(axes)} axes."
        )
    entry = Entry(
        group=group,
        name=name,
        fields=tuple(_components(name, RANKS[group], axes)),
        varies_by_sample=flag(array, "sample_varying"),
        varies_in_time=flag(array, "time_varying"),
        varies_along=tuple(bool(varies) for varies in along),
        omits_axes=True,
    )
    return replace(entry, omits_axes=_omits_axes(path, array, entry, sizes))


def _components(name: str, rank: int, axes: tuple[str, ...]) -> Iterator[Field]:
    if rank == 0:
        yield known_field(name)
        return
    is_pseudo = known_field(f"{name}_{'x' * rank}").is_pseudo
    for component in itertools.product(axes, repeat=rank):
        full = f"{name}_{''.join(component)}"
        yield Field(name=full, component=component, is_pseudo=is_pseudo)


def _omits_axes(path: Path, array: h5py.Dataset, entry: Entry, sizes: dict[str, int]) -> bool:
    """Check type and shape, and say whether axes without variation are left out.

    The specification leaves them out and has the components of a tensor on one axis; the
    files' own program reads one point along them, and components on two.
    """
    space = tuple(zip(tuple(sizes.values())[2:], entry.varies_along, strict=True))
    rank, num_axes = RANKS[entry.group], len(space)
    lead = (sizes["sample"],) * entry.varies_by_sample + (sizes["time"],) * entry.varies_in_time
    without = (*lead, *(size for size, varies in space if varies))
    within = (*lead, *(size if varies else 1 for size, varies in space))
    components = {(num_axes,) * rank, (num_axes**rank,)} if rank else {()}
    omits_axes = array.shape in {(*without, *last) for last in components}
    if not omits_axes and array.shape not in {(*within, *last) for last in components}:
        raise DataError(
            f"{path}: {array.name} has shape {array.shape}; by its attributes it should be "
            f"{(*without, *(num_axes,) * rank)}, for the sizes {sizes}."
        )
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise DataError(f"{path}: {array.name} is of type {array.dtype}; expected real numbers.")
    if array.shape:
        check_written(path, array)
    return omits_axes


def _check_names(path: Path, names: list[str], sizes: dict[str, int]) -> None:
    """Field names become names of arrays, so they must be plain and differ."""
    taken = {*RESERVED, *sizes}
    for name in names:
        if name in taken or not can_name_a_field(name):
            raise DataError(
                f"{path}: a field is called {name!r}, which is taken or no plain name.",
                remedy="Rename it in the file, and in the attribute field_names of its group.",
            )
        taken.add(name)


def boundary_of(file: h5py.File, axes: tuple[str, ...], axis: str) -> Boundary:
    """Boundary of an axis, where both its ends have the same; otherwise unknown.

    A boundary counts at an end that its mask covers wholly. Walls and openings inside the
    domain have no place in a grid: the fields of the file tell them.
    """
    ends: list[Boundary] = ["unknown", "unknown"]
    conditions = groups(file).get("boundary_conditions")
    for name, group in (groups(conditions) if conditions is not None else {}).items():
        dims = names_in(group, "associated_dims")
        if axis not in dims or not set(dims) <= set(axes):
            continue
        kind = _kind(name, text_of(attributes(group).get("bc_type", "")).upper())
        if kind == "periodic" and dims == (axis,):
            return "periodic"
        mask = datasets(group).get("mask")
        if mask is None or mask.ndim < len(dims) or not mask.size:
            continue
        place = mask.ndim - len(dims) + dims.index(axis)
        for end in (0, -1):
            if np.all(mask[(slice(None),) * place + (end % mask.shape[place],)]):
                ends[end] = kind
    return ends[0] if ends[0] == ends[1] else "unknown"


def _kind(name: str, kind: str) -> Boundary:
    """The kind of a boundary: its type, told more exactly by its name, as `x_wall_noslip`."""
    lower = name.lower()
    if kind == "PERIODIC":
        return "periodic"
    if kind == "OPEN":
        return "no_flux" if "neumann" in lower else "outflow"
    if kind != "WALL":
        return "unknown"
    if "dirichlet" in lower:
        return "dirichlet"
    return "no_slip" if "noslip" in lower.replace("_", "") else "no_flux"


def parameters_of(file: h5py.File, samples: int) -> dict[str, np.ndarray]:
    """Constants of the equation by sample: attributes of the file, then constant scalars."""
    found: dict[str, np.ndarray] = {}
    for name in names_in(file, "simulation_parameters"):
        _add(found, name, attributes(file).get(name), samples)
    scalars = groups(file).get("scalars")
    for name, scalar in (datasets(scalars) if scalars is not None else {}).items():
        if not flag(scalar, "time_varying") and scalar.size in (1, samples):
            _add(found, name, scalar[...], samples)
    return found


def left_out(file: h5py.File, entries: list[Entry]) -> tuple[str, ...]:
    """Name arrays of fields that no `field_names` lists, and scalars that change in time."""
    used = {(entry.group, entry.name) for entry in entries}
    notes: list[str] = []
    for group in RANKS.keys() & groups(file).keys():
        listed = [name for folder, name in used if folder == group]
        notes += unread(datasets(file[group]), listed, f"{group}/")
    scalars = groups(file).get("scalars")
    arrays = datasets(scalars) if scalars is not None else {}
    moving = {name: array for name, array in arrays.items() if flag(array, "time_varying")}
    return (*sorted(notes), *unread(moving, (), "scalars/"))


def _add(found: dict[str, np.ndarray], name: str, value: Any, samples: int) -> None:
    """Add a parameter that is one number, or one for each sample; leave others out."""
    values = np.asarray(value if value is not None else "").reshape(-1)
    if values.dtype.kind in "fiub" and values.size in (1, samples):
        numbers = np.broadcast_to(values.astype(np.float64), samples)
        found[re.sub(r"\W", "_", name)] = numbers.copy()


def names_in(group: h5py.Group, attribute: str) -> tuple[str, ...]:
    """Read an attribute that is a list of names; a single name counts as a list of one."""
    values = attributes(group).get(attribute, [])
    if isinstance(values, h5py.Empty):
        return ()
    listed = np.atleast_1d(np.asarray(values, dtype=object)).reshape(-1)
    return tuple(text_of(value) for value in listed)


def flag(item: h5py.Dataset, name: str) -> bool:
    """Read an attribute that is true or false; absent means false."""
    return bool(np.all(attributes(item).get(name, False)))
