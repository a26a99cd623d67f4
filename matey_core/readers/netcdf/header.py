"""The header of a dataset: grid, times, names and parameters."""

import math
from collections.abc import Hashable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from jaxtyping import Float, Shaped

from matey_core.containers.damage import reading
from matey_core.containers.hdf5 import MAX_LENGTH
from matey_core.containers.lazy import CHUNKS
from matey_core.errors import DataError
from matey_core.fields import FieldSpec, Grid, can_name_a_parameter
from matey_core.readers import Header, ReaderOptions
from matey_core.readers._options import (
    boundaries,
    check_declared,
    check_field_names,
    dims_of,
    frame_times,
    positions,
)
from matey_core.readers._vectors import described, vector_notes
from matey_core.readers.netcdf.components import opened_in_components
from matey_core.readers.netcdf.dims import coordinate_of, stated_step
from matey_core.readers.netcdf.files import opened as files_opened
from matey_core.readers.netcdf.layout import NetcdfLayout, layout_of, unit_of
from matey_core.readers.netcdf.notes import circle_notes, notes_of
from matey_core.readers.netcdf.plain import plain_variables
from matey_core.readers.netcdf.source import DatasetSource, Opener
from matey_core.readers.netcdf.times import has_fixed_length, in_seconds, stamped, why_uneven
from matey_core.sources.spacing import is_even, is_increasing, uniform

LONGEST_LICENSE = 200
"""Characters that are kept; some files hold the whole text."""
OVERRIDE = ", or say with --time-step that the frames are evenly apart"


def open_dataset(
    path: Path,
    options: ReaderOptions,
    opened: Opener = files_opened,
    *,
    files: tuple[Path, ...] = (),
) -> DatasetSource:
    """Read the header of a file.

    Args:
        path: the file.
        options: what a person says about it.
        opened: opens it, here and again in each process that reads from it.
        files: what the values come from, where that is not all of `path`.

    Raises:
        DataError: it is damaged, empty or on no uniform grid, or its dims are not known.
        ConfigError: an option that does not fit, or a package lacks.
    """
    is_by_xarray = opened is files_opened and not options.component_dim
    if dim := options.component_dim:
        named = dims_of(options).roles
        opened = partial(opened_in_components, opened=opened, dim=dim, named=named)
    with reading(path):
        data = opened(path)
        layout = layout_of(path, data, options)
        _check_sizes(path, data, layout)
        grid, coordinates, flipped = _grid(path, data, layout, options)
        times, time_unit = _times(path, data, layout, options)
        columns = (*layout.fields, *layout.static)
        names = [name for column in columns for name in column.names]
        check_field_names(path, names, grid.axes)
        check_declared(options, names, grid.axes)
        standard_names = {n: c.standard_name for c in columns for n in c.names if c.standard_name}
        fields = described(
            names,
            options,
            grid.axes,
            units={n: c.unit for c in columns for n in c.names},
            standard_names=standard_names,
        )
        changing = sum(len(column.names) for column in layout.fields)
        samples = _sample_names(data, layout)
        parameters = _parameters(data, layout, len(samples))
        placed = {
            axis: name
            for dim, axis in layout.dims.space.items()
            if (name := coordinate_of(data, dim, axis))
        }
        units = {
            axis: unit for axis, name in placed.items() if (unit := unit_of(data.variables[name]))
        }
        header = Header(
            spec=FieldSpec(
                fields=fields[:changing],
                grid=grid,
                time_step=_step(path, "the time", times, options.time_step, override=OVERRIDE),
            ),
            static_fields=fields[changing:],
            coordinates=coordinates,
            times=times,
            sample_names=samples,
            parameters=parameters,
            dtype=np.result_type(*(column.dtype for column in columns)).newbyteorder("<"),
            num_bytes=_size(files or (path,)),
            units=units | ({"time": time_unit} if time_unit else {}),
            standard_names=standard_names,
            conserved=options.conserved,
            directed=options.directed,
            license=license_of(data.attrs),
            turned=tuple(grid.axes[place] for place in flipped),
            notes=(
                *vector_notes(fields, grid.num_axes),
                *notes_of(path, data, layout, options, {*placed.values(), *parameters}),
                *circle_notes(data, layout.dims, grid, coordinates),
            ),
        )
        used = {name for column in columns for name in column.uses}
        plain = plain_variables(path, data, used) if is_by_xarray else {}
    source = DatasetSource(
        path,
        header,
        layout=layout,
        flipped=flipped,
        opened=opened,
        files=files or (path,),
        plain=plain,
    )
    source.frames_together = _together(data, layout.dims.time, used)
    source.samples_together = _together(data, layout.dims.sample, used)
    return source


def _together(data: xr.Dataset, dim: str | None, names: Iterable[str]) -> int:
    """Most frames, or samples, that a chunk of a variable has."""
    counts = [1]
    for variable in (data.variables[name] for name in names):
        chunks = variable.encoding.get(CHUNKS) or variable.encoding.get("chunks")  # as of Zarr
        if chunks and dim in variable.dims and len(chunks) == variable.ndim:
            counts.append(int(chunks[variable.dims.index(dim)]))
    return max(counts)


def _size(paths: Iterable[Path]) -> int:
    files = (path.rglob("*") if path.is_dir() else [path] for path in paths)
    return sum(file.stat().st_size for found in files for file in found if file.is_file())


def _check_sizes(path: Path, data: xr.Dataset, layout: NetcdfLayout) -> None:
    dims = layout.dims
    sizes = {
        name: data.sizes[name] for name in (dims.sample, dims.time, dims.field, *dims.space) if name
    }
    if not layout.fields or not all(sizes.values()):
        raise DataError(
            f"{path} has no values: {len(layout.fields)} fields, "
            f"{', '.join(f'{name} {size}' for name, size in sizes.items())}.",
            remedy="Leave the file out, or name other variables with --fields.",
        )
    longest = max(sizes, key=sizes.__getitem__)
    if sizes[longest] > MAX_LENGTH:
        raise DataError(
            f"{path} has {sizes[longest]:,} values along {longest}, of {MAX_LENGTH:,} at most.",
            remedy="If that is true, write fewer into a file; if not, name the dims with --dims.",
        )


def _grid(
    path: Path, data: xr.Dataset, layout: NetcdfLayout, options: ReaderOptions
) -> tuple[Grid, dict[str, Shaped[np.ndarray, "points"]], tuple[int, ...]]:
    """Return the grid, its coordinates, and which axes run backwards in the file."""
    space = layout.dims.space
    axes = tuple(space.values())
    known = {
        axis: _numbers(path, name, data.variables[name])
        for dim, axis in space.items()
        if (name := coordinate_of(data, dim, axis))
    }
    if not options.spacing:
        stated = {axis: stated_step(data, dim, axis) for dim, axis in space.items()}
        known |= {axis: step.positions for axis, step in stated.items() if step}
    flipped = []
    for place, axis in enumerate(axes):
        if axis in known and len(known[axis]) > 1 and (known[axis][1:] < known[axis][:-1]).all():
            known[axis] = known[axis][::-1].copy()
            flipped.append(place - len(axes))
    shape = {axis: data.sizes[dim] for dim, axis in space.items()}
    coordinates = positions(options, shape, known)
    grid = Grid(
        axes=axes,
        shape=tuple(shape.values()),
        spacing=tuple(_step(path, axis, coordinates[axis]) for axis in axes),
        boundary=boundaries(options.boundary, axes),
        directed=options.directed,
    )
    return grid, coordinates, tuple(flipped)


def _numbers(path: Path, name: str, variable: xr.Variable) -> Shaped[np.ndarray, "points"]:
    """Read a coordinate; whole numbers become float64."""
    if variable.dtype.kind not in "fiu" or variable.ndim != 1:
        raise DataError(f"{path}: the coordinate {name} has type {variable.dtype}, not numbers.")
    is_whole = variable.dtype.kind != "f"
    return variable.values.astype(np.float64 if is_whole else variable.dtype.newbyteorder("<"))


def _step(
    path: Path,
    name: str,
    values: Shaped[np.ndarray, "points"],
    single: float | None = None,
    *,
    override: str = "",
    why: str = "",
) -> float:
    """Check a coordinate and return its spacing; `single` is that of a lone point."""
    with np.errstate(all="ignore"):
        spacing = uniform(path, name, values, points=len(values), override=override, why=why)
    return single or 1.0 if len(values) == 1 else spacing


def _times(
    path: Path, data: xr.Dataset, layout: NetcdfLayout, options: ReaderOptions
) -> tuple[Shaped[np.ndarray, "time"], str]:
    """Return times and their unit; dates become seconds since the file's reference."""
    dim = layout.dims.time
    if dim is None or not layout.fields[0].has_time:
        return frame_times(options, 1, None), ""
    name = coordinate_of(data, dim, "time")
    if name is None:
        if found := stamped(data, dim):
            return frame_times(options, data.sizes[dim], found[1]), "s"
        step = None if options.time_step else stated_step(data, dim, "time")
        return frame_times(options, data.sizes[dim], step.positions if step else None), ""
    variable = data.variables[name]
    unit, numbers = unit_of(variable), _numbers(path, name, variable)
    is_vague = is_increasing(numbers) and not (is_even(numbers) and has_fixed_length(unit))
    if options.time_step is not None and is_vague:
        # Months are uneven, and so are stamps that were rounded: a person knows better.
        return frame_times(options, data.sizes[dim], None), ""
    if has_fixed_length(unit):
        _step(path, "the time", numbers, override=OVERRIDE, why=why_uneven(numbers, unit))
    times = frame_times(options, data.sizes[dim], numbers)
    return in_seconds(path, name, times, unit)


def _sample_names(data: xr.Dataset, layout: NetcdfLayout) -> tuple[str, ...]:
    dim = layout.dims.sample
    if dim is None:
        return ("0",)
    names: tuple[str, ...] = ()
    if dim in data.variables and data.variables[dim].dims == (dim,):
        names = tuple(str(name) for name in data.variables[dim].values)
    if len(set(names)) == data.sizes[dim]:
        return names
    return tuple(str(index) for index in range(data.sizes[dim]))


def _parameters(
    data: xr.Dataset, layout: NetcdfLayout, samples: int
) -> dict[str, Float[np.ndarray, "sample"]]:
    """Numbers among the attributes, floating scalars, and numbers along the samples."""
    found = {key: np.full(samples, value) for key, value in _attributes(data).items()}
    for name, variable in data.variables.items():
        if variable.ndim == 0 and variable.dtype.kind == "f":
            found[str(name)] = np.full(samples, float(variable.values))
        if variable.dims == (layout.dims.sample,) and variable.dtype.kind in "fiu":
            found[str(name)] = variable.values.astype(np.float64)
    return {
        key: values
        for key, values in found.items()
        if key != layout.dims.sample and can_name_a_parameter(key)
    }


def license_of(attributes: Mapping[Hashable, Any]) -> str:
    """The license that a file's attributes name; empty where they name none."""
    names = {str(key).lower(): value for key, value in attributes.items()}
    found = names.get("license", names.get("licence", ""))
    return " ".join(found.split())[:LONGEST_LICENSE] if isinstance(found, str) else ""


def _attributes(data: xr.Dataset) -> dict[str, float]:
    def number(value: Any) -> float:
        array = np.asarray(value)
        return float(array.item()) if array.size == 1 and array.dtype.kind in "fiu" else math.nan

    numbers = {str(key): number(value) for key, value in data.attrs.items()}
    return {key: value for key, value in numbers.items() if math.isfinite(value)}
