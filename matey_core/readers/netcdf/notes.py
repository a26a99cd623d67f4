"""What a person should know of a dataset: what is left out, and why; what it does not say."""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Shaped

from matey_core.fields import Grid, can_name_a_parameter
from matey_core.readers import ReaderOptions
from matey_core.readers.netcdf.components import MOST_COMPONENTS
from matey_core.readers.netcdf.dims import Dims, StatedStep, coordinate_of, is_floating, stated_step
from matey_core.readers.netcdf.files import LEFT_OUT, is_netcdf
from matey_core.readers.netcdf.layout import NetcdfLayout, unit_of
from matey_core.readers.netcdf.times import stamped
from matey_core.readers.netcdf.versions import EXPVER, version_notes
from matey_core.sources.spacing import UNEVEN

CIRCLE = 360.0
"""Degrees."""
EAST = re.compile("degrees?_?e(ast)?")
LONGITUDES = ("lon", "long", "longitude")


def notes_of(
    path: Path,
    data: xr.Dataset,
    layout: NetcdfLayout,
    options: ReaderOptions,
    used: Collection[str],
) -> tuple[str, ...]:
    """Say that there are no times, and name what is not read unless a person has chosen.

    Args:
        path: the file.
        data: the file, opened.
        layout: its dims and fields.
        options: what a person says about it.
        used: variables that are positions in space, or parameters.
    """
    dims = layout.dims
    times = _times_name(data, dims.time)
    notes = []
    is_trajectory = dims.time is not None and layout.fields[0].has_time
    if is_trajectory and not times and not options.time_step:
        stated = stated_step(data, str(dims.time), "time")
        if stated:
            notes.append(_stated("time", stated))
        elif is_netcdf(path):
            notes.append("no times found: steps of 1, unless --time-step says otherwise")
    steps = {axis: stated_step(data, dim, axis) for dim, axis in dims.space.items()}
    if not options.spacing:
        notes += [_stated(axis, step) for axis, step in steps.items() if step]
    placed = {axis for dim, axis in dims.space.items() if coordinate_of(data, dim, axis)}
    unplaced = [axis for axis, step in steps.items() if axis not in placed and not step]
    if unplaced and not options.spacing and is_netcdf(path):
        notes.append(
            f"no positions found along {', '.join(unplaced)}: points are 1 apart, unless --spacing "
            "says otherwise"
        )
    if not options.fields or dims.field:
        fields = {name for column in (*layout.fields, *layout.static) for name in column.uses}
        notes += _left_out(data, dims, {*used, *fields, times, dims.sample, dims.field, EXPVER})
    notes += version_notes(data, dims.time, dims.versions)
    return tuple(notes)


def _stated(dim: str, stated: StatedStep) -> str:
    return f"steps of {stated.step:g} along {dim}, from {stated.source}"


def circle_notes(
    data: xr.Dataset, dims: Dims, grid: Grid, coordinates: Mapping[str, Shaped[np.ndarray, "n"]]
) -> tuple[str, ...]:
    """Say which axes go round all longitudes, and are not called periodic."""
    notes = []
    for dim, axis in dims.space.items():
        place = grid.axes.index(axis)
        if grid.boundary[place] != "unknown" or not _is_longitude(data, dim, axis):
            continue
        points, spacing = grid.shape[place], grid.spacing[place]
        reach = float(coordinates[axis][-1]) - float(coordinates[axis][0])
        if abs(reach + spacing - CIRCLE) < UNEVEN * spacing:
            rest = f": --boundary {axis}=periodic says so"
        elif abs(reach - CIRCLE) < UNEVEN * spacing:
            said = f"--boundary {axis}=periodic --crop {axis}=0:{points - 1}"
            rest = f", and its last point is the first again: {said}"
        else:
            continue
        notes.append(f"{dim} goes round the whole circle{rest}")
    return tuple(notes)


def _is_longitude(data: xr.Dataset, dim: str, axis: str) -> bool:
    """Whether positions are degrees of longitude, by their unit or, without one, their name."""
    name = coordinate_of(data, dim, axis)
    if name is None:
        return False
    unit = unit_of(data.variables[name]).lower()
    is_called = any(word.lower() in LONGITUDES for word in (name, dim))
    return bool(EAST.fullmatch(unit)) or (is_called and unit in ("", "degree", "degrees"))


def _times_name(data: xr.Dataset, dim: str | None) -> str | None:
    """Name of the variable with the times; None where there is none."""
    if dim is None:
        return None
    if name := coordinate_of(data, dim, "time"):
        return name
    found = stamped(data, dim)
    return found[0] if found else None


def _left_out(data: xr.Dataset, dims: Dims, used: Collection[str | None]) -> list[str]:
    names: dict[str, list[str]] = defaultdict(list)
    for name, variable in data.variables.items():
        # Positions along a dim tell of nothing but the variables on it.
        if str(name) not in used and variable.dims != (name,):
            names[_reason(str(name), variable, dims)].append(str(name))
    parts = [f"{', '.join(found)} {reason}" for reason, found in names.items()]
    parts += filter(None, [str(data.attrs.get(LEFT_OUT, ""))])
    return [f"left out: {'; '.join(parts)}"] if parts else []


def _reason(name: str, variable: xr.Variable, dims: Dims) -> str:
    shown = f"({_listed(variable.dims)})"
    if not is_floating(variable):
        return f"of type {variable.dtype}"
    if variable.ndim == 0 and not can_name_a_parameter(name):
        return "whose name cannot be that of a parameter"
    if missing := [name for name in dims.space if name not in variable.dims]:
        return f"on {shown}, without {_listed(missing)}"
    others = {*variable.dims} - {*dims.space, *dims.single, dims.sample, dims.time}
    reason = f"on {shown}, with other dims than those of the fields"
    if len(others) == 1 and variable.sizes[dim := others.pop()] <= MOST_COMPONENTS:
        return f"{reason} (--component-dim {dim} reads the components of a vector)"
    return reason


def _listed(names: Iterable[object]) -> str:
    return ", ".join(map(str, names))
