"""One file of The Well: its header and its states."""

from pathlib import Path

import h5py
import numpy as np
from jaxtyping import Shaped

from matey_core.containers.hdf5 import (
    attributes,
    clip,
    datasets,
    groups,
    is_well,
    open_hdf5,
    small,
    text_of,
)
from matey_core.errors import DataError
from matey_core.fields import FieldSpec, Grid
from matey_core.readers import Header, Source
from matey_core.readers.the_well import layout
from matey_core.sources.spacing import UNEVEN, uniform

MAX_SAMPLES = 10**6
"""A larger number of trajectories in one file is a sign of damage."""


class WellSource(Source):
    """One file."""

    def __init__(
        self, path: Path, header: Header, entries: list[layout.Entry], *, dataset: str
    ) -> None:
        super().__init__(path, header)
        self.dataset = dataset
        self._moving = [entry for entry in entries if entry.varies_in_time]
        self._static = [entry for entry in entries if not entry.varies_in_time]

    def read(self, sample: int, start: int, stop: int) -> Shaped[np.ndarray, "time c *space"]:
        """Read frames `start` to `stop` (exclusive), in the dtype of the source."""
        frames = clip(start, stop, len(self.header.times))
        fields = len(self.header.spec.fields)
        shape = (fields, frames.stop - frames.start, *self.header.spec.grid.shape)
        return self._fill(self._moving, sample, frames, shape).swapaxes(0, 1)

    def read_static(self, sample: int) -> Shaped[np.ndarray, "c *space"]:
        """Read the static fields of a sample."""
        shape = (len(self.header.static_fields), *self.header.spec.grid.shape)
        return self._fill(self._static, sample, slice(0, 1), shape)

    def _fill(
        self, entries: list[layout.Entry], sample: int, frames: slice, shape: tuple[int, ...]
    ) -> np.ndarray:
        values = np.empty(shape, self.header.dtype)
        first = 0
        with open_hdf5(self.path, user=self) as file:
            for entry in entries:
                last = first + len(entry.fields)
                values[first:last] = entry.read(file, sample, frames)
                first = last
        return values


def open_file(path: Path) -> WellSource:
    """Read the header of a file.

    Raises:
        DataError: the file is damaged, or says too little of itself.
    """
    with open_hdf5(path) as file:
        if not is_well(file):
            raise DataError(
                f"{path} is not in the layout of The Well: it has no group dimensions, or no "
                "attributes grid_type and n_spatial_dims.",
                remedy="Name another reader, such as pdebench.",
            )
        samples = int(attributes(file).get("n_trajectories", 0))
        axes = layout.axes_of(path, file)
        coordinates = _coordinates(path, file, axes)
        times = _times(path, file, samples)
        sizes = {"sample": samples, "time": times.shape[-1]}
        sizes |= {axis: len(values) for axis, values in coordinates.items()}
        entries = layout.entries(path, file, sizes)
        header = _header(path, file, entries, coordinates, times)
        name = text_of(attributes(file).get("dataset_name", ""))
        source = WellSource(path, header, entries, dataset=name)
        source.frames_together = max((entry.frames_together(file) for entry in entries), default=1)
        return source


def _header(
    path: Path,
    file: h5py.File,
    entries: list[layout.Entry],
    coordinates: dict[str, np.ndarray],
    times: Shaped[np.ndarray, "sample time"],
) -> Header:
    fields, static = (
        tuple(field for entry in entries if entry.varies_in_time == moves for field in entry.fields)
        for moves in (True, False)
    )
    if not fields:
        raise DataError(f"{path} has no field that varies in time.")
    axes = tuple(coordinates)
    grid = Grid(
        axes=axes,
        shape=tuple(len(values) for values in coordinates.values()),
        spacing=tuple(_spacing(path, axis, values) for axis, values in coordinates.items()),
        boundary=tuple(layout.boundary_of(file, axes, axis) for axis in axes),
    )
    dtypes = [file[entry.group][entry.name].dtype for entry in entries]
    return Header(
        spec=FieldSpec(fields=fields, grid=grid, time_step=_time_step(path, times)),
        static_fields=static,
        coordinates=coordinates,
        times=times[0],
        sample_names=tuple(str(index) for index in range(len(times))),
        parameters=layout.parameters_of(file, len(times)),
        dtype=np.result_type(np.float16, *dtypes).newbyteorder("<"),
        num_bytes=path.stat().st_size,
        sample_times=times if (times != times[0]).any() else None,
        notes=layout.left_out(file, entries),
    )


def _coordinates(path: Path, file: h5py.File, axes: tuple[str, ...]) -> dict[str, np.ndarray]:
    found = datasets(groups(file)["dimensions"])
    for axis in axes:
        if axis not in found or found[axis].ndim != 1 or not found[axis].size:
            raise DataError(f"{path}: dimensions has no list of positions along {axis}.")
        if layout.flag(found[axis], "sample_varying") or layout.flag(found[axis], "time_varying"):
            raise DataError(
                f"{path}: positions along {axis} differ from sample to sample or in time; "
                "the samples of a source share one grid.",
                remedy="Interpolate them to one grid, or write samples of one grid to a file each.",
            )
    return {axis: small(path, found[axis]) for axis in axes}


def _times(path: Path, file: h5py.File, samples: int) -> Shaped[np.ndarray, "sample time"]:
    """Times of each sample, which most files store once for all."""
    array = datasets(groups(file)["dimensions"]).get("time")
    if (
        array is None
        or array.ndim not in (1, 2)
        or not array.size
        or not 1 <= samples <= MAX_SAMPLES
    ):
        raise DataError(
            f"{path} declares {samples} trajectories and "
            f"{'no dimensions/time' if array is None else f'times of shape {array.shape}'}; "
            f"expected times, and from 1 to {MAX_SAMPLES} trajectories."
        )
    times = small(path, array)
    if times.ndim == 2 and len(times) not in (1, samples):
        raise DataError(f"{path}: dimensions/time has {len(times)} rows for {samples} samples.")
    return np.broadcast_to(times, (samples, times.shape[-1]))


def _spacing(path: Path, axis: str, values: np.ndarray) -> float:
    """Distance between points; positions may also decrease, as latitudes do."""
    values = values if values[0] <= values[-1] else values[::-1]
    return uniform(path, f"dimensions/{axis}", values, points=len(values))


def _time_step(path: Path, times: Shaped[np.ndarray, "sample time"]) -> float:
    """Time step, which all samples share; their first times may differ."""
    distinct = np.unique(times, axis=0) if (times != times[0]).any() else times[:1]
    steps = [uniform(path, "dimensions/time", row, points=len(row)) for row in distinct]
    if max(steps) - min(steps) > UNEVEN * min(steps):
        raise DataError(
            f"{path}: time steps differ from sample to sample, from {min(steps):.4g} to "
            f"{max(steps):.4g}; the samples of a source share one.",
            remedy="Write the samples of each time step to a file of their own.",
        )
    return steps[0]
