"""Arrays with all samples stacked: compressible flow, 1D scalars, Darcy flow.

`tensor` is [sample, time, x] for the 1D equations. Files made before October
2024 have [device, sample of a device, time, x] instead. The same four axes in a
Darcy file are [sample, 1, x, y]; `nu` beside them tells the two apart.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
from jaxtyping import Shaped

from matey_core.containers.hdf5 import (
    attributes,
    chunk_along,
    clip,
    datasets,
    floating,
    open_hdf5,
    same_shape,
    small,
)
from matey_core.errors import DataError
from matey_core.fields import Boundary, Field, FieldSpec, Grid
from matey_core.quantities import known_fields
from matey_core.readers import Header, Source
from matey_core.readers._unread import unread
from matey_core.readers.pdebench import names
from matey_core.readers.pdebench.described import (
    FileDescription,
    constants,
    described_arrays,
    sample_names,
)
from matey_core.sources.spacing import uniform

AXES = ("x", "y", "z")


class _Layout(NamedTuple):
    arrays: dict[str, Field]
    static: dict[str, Field]
    axes: tuple[str, ...]
    boundary: tuple[Boundary, ...]
    conserved: tuple[str, ...] = ()
    directed: tuple[str, ...] = ()
    units: Mapping[str, str] = {}
    is_described: bool = False


def accepts(file: h5py.File) -> bool:
    """Whether the file has a `tensor` or an array of compressible flow, or says what it has."""
    arrays = datasets(file)
    known = "tensor" in arrays or any(key in arrays for key in names.FLOW)
    return known or described_arrays(file) is not None


def is_placed(file: h5py.File) -> bool:
    """Whether the file has coordinates, or says what it has."""
    return "x-coordinate" in datasets(file) or described_arrays(file) is not None


def open_source(path: Path, file: h5py.File) -> Source:
    """Read the header.

    Raises:
        DataError: coordinates are missing or do not fit the arrays.
    """
    found = datasets(file)
    parameters = names.stacked_parameters(path.name, attributes(file))
    layout = _layout(path, file, parameters)
    stacked = {key: found[key] for key in layout.arrays}
    shape = same_shape(path, stacked)
    axes = layout.axes
    _check_axes(path, found, axes, shape, is_described=layout.is_described)
    devices = len(shape) - len(axes) - 2
    if devices not in (0, 1):
        raise DataError(
            f"{path}: {next(iter(stacked))} has shape {shape}; with the axes "
            f"{', '.join(axes)} it should be [sample, time, {', '.join(axes)}]."
        )
    space = shape[len(shape) - len(axes) :]
    coordinates = {axis: small(path, found[f"{axis}-coordinate"]) for axis in axes}
    frames = shape[1 + devices]
    times = _times(path, found, frames, is_static=bool(layout.static))
    samples = int(np.prod(shape[: 1 + devices]))
    for key in layout.static:
        if found[key].shape != (samples, *space):
            raise DataError(f"{path}: {key} has shape {found[key].shape}, not {(samples, *space)}.")
    grid = Grid(
        axes=axes,
        shape=space,
        spacing=tuple(
            uniform(path, f"{axis}-coordinate", values, points=points)
            for (axis, values), points in zip(coordinates.items(), space, strict=True)
        ),
        boundary=layout.boundary,
    )
    time_step = uniform(path, "t-coordinate", times, points=frames)
    arrays = [found[key] for key in (*layout.arrays, *layout.static)]
    header = Header(
        spec=FieldSpec(fields=tuple(layout.arrays.values()), grid=grid, time_step=time_step),
        static_fields=tuple(layout.static.values()),
        coordinates=coordinates,
        times=times,
        sample_names=sample_names(path, file, samples),
        parameters={key: np.full(samples, value) for key, value in parameters.items()}
        | constants(path, file, samples),
        dtype=floating(path, *arrays),
        num_bytes=path.stat().st_size,
        conserved=layout.conserved,
        directed=layout.directed,
        units={axis: layout.units[axis] for axis in (*axes, "time") if axis in layout.units},
        notes=unread(
            found,
            {
                *layout.arrays,
                *layout.static,
                *(f"{axis}-coordinate" for axis in (*axes, "t")),
                "seeds",
            },
        ),
    )
    source = StackedSource(path, header, tuple(layout.arrays), tuple(layout.static))
    source.frames_together = max(chunk_along(array, 1 + devices) for array in stacked.values())
    if not devices:
        source.samples_together = max(chunk_along(array, 0) for array in stacked.values())
    return source


def _layout(path: Path, file: h5py.File, parameters: dict[str, float]) -> _Layout:
    found = datasets(file)
    axes = tuple(axis for axis in AXES if f"{axis}-coordinate" in found)
    flow = {key: field for key, field in names.FLOW.items() if key in found}
    if (description := described_arrays(file)) and "nu" not in found:
        return _described_layout(description)
    if flow:
        boundary = names.flow_boundary(path.name)
        is_closed = boundary == "periodic" and "density" in flow
        conserved = ("density",) if is_closed else ()
        return _Layout(flow, {}, axes, (boundary,) * len(axes), conserved)
    if "nu" in found:
        family, static = names.DARCY, {"nu": names.PERMEABILITY}
    else:
        family, static = names.scalar_family(path.name, parameters), {}
    return _Layout(
        {"tensor": family.fields[0]},
        static,
        axes,
        (family.boundary,) * len(axes),
        family.conserved,
        family.directed,
    )


def _described_layout(description: FileDescription) -> _Layout:
    units = description.units
    fields = known_fields([field.name for field in description.fields], units=units)
    static = known_fields(description.static_fields, units=units)
    return _Layout(
        {given.array: field for given, field in zip(description.fields, fields, strict=True)},
        {field.name: field for field in static},
        tuple(description.axes),
        tuple(description.boundary),
        tuple(name for name in description.conserved if name in {field.name for field in fields}),
        tuple(axis for axis in description.directed if axis in description.axes),
        units,
        is_described=True,
    )


def _check_axes(
    path: Path,
    found: Mapping[str, h5py.Dataset],
    axes: tuple[str, ...],
    shape: tuple[int, ...],
    *,
    is_described: bool,
) -> None:
    needed = axes if is_described else AXES[: max(len(axes), 1)]
    if needed != axes or any(f"{axis}-coordinate" not in found for axis in needed):
        raise DataError(
            f"{path}: data of shape {shape} needs the coordinates x-coordinate, y-coordinate, … "
            f"of its axes; found are {', '.join(f'{axis}-coordinate' for axis in axes) or 'none'}."
        )


def _times(
    path: Path, found: Mapping[str, h5py.Dataset], frames: int, *, is_static: bool
) -> np.ndarray:
    """Times of the frames; the files' own list is one too long."""
    if "t-coordinate" in found:
        times = small(path, found["t-coordinate"])
        return times[:-1] if times.shape == (frames + 1,) else times
    if is_static and frames == 1:
        return np.zeros(1, np.float32)
    raise DataError(f"{path} has no t-coordinate; expected one of {frames} or {frames + 1} times.")


class StackedSource(Source):
    """Arrays [sample, time, *space], or [device, sample, time, *space]."""

    def __init__(
        self, path: Path, header: Header, keys: tuple[str, ...], static_keys: tuple[str, ...]
    ) -> None:
        super().__init__(path, header)
        self._keys = keys
        self._static_keys = static_keys

    def read(self, sample: int, start: int, stop: int) -> Shaped[np.ndarray, "time c *space"]:
        """Read frames `start` to `stop` (exclusive), in the dtype of the source."""
        header = self.header
        frames = clip(start, stop, len(header.times))
        shape = (len(self._keys), frames.stop - frames.start, *header.spec.grid.shape)
        values = np.empty(shape, header.dtype)
        with open_hdf5(self.path, user=self) as file:
            for key, channel in zip(self._keys, values, strict=True):
                if channel.size:
                    file[key].read_direct(channel, (*self._place(file[key], sample), frames))
        return values.swapaxes(0, 1)

    def read_samples(
        self, samples: range, start: int, stop: int
    ) -> Shaped[np.ndarray, "sample time c *space"]:
        """Read frames `start` to `stop` (exclusive) of several samples in a row."""
        if self.samples_together == 1:
            return super().read_samples(samples, start, stop)
        header = self.header
        frames = clip(start, stop, len(header.times))
        shape = (len(samples), frames.stop - frames.start, *header.spec.grid.shape)
        values = np.empty((len(self._keys), *shape), header.dtype)
        with open_hdf5(self.path, user=self) as file:
            for key, channel in zip(self._keys, values, strict=True):
                if channel.size:
                    where = (slice(samples.start, samples.stop), frames)
                    file[key].read_direct(channel, where)
        return np.moveaxis(values, 0, 2)

    def _place(self, array: h5py.Dataset, sample: int) -> tuple[int, ...]:
        """Index of a sample along the axes before time: one, or device and sample."""
        if array.ndim == self.header.spec.grid.num_axes + 3:
            return divmod(sample, array.shape[1])
        return (sample,)

    def read_static(self, sample: int) -> Shaped[np.ndarray, "c *space"]:
        """Read the static fields of a sample."""
        if not self._static_keys:
            return super().read_static(sample)
        with open_hdf5(self.path, user=self) as file:
            parts = [file[key][sample] for key in self._static_keys]
        return np.stack(parts, dtype=self.header.dtype)
