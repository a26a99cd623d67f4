"""One group a sample: `0000/data`, `0000/grid/{x,y,t}` (diff-react, rdb, diff-sorp).

`data` is [time, *space, channel]. Diffusion–reaction is stored with y before x,
shallow water with x before y.
"""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Shaped

from matey_core.containers.hdf5 import (
    attributes,
    chunk_along,
    clip,
    datasets,
    floating,
    groups,
    open_hdf5,
    same_shape,
    small,
    text_of,
)
from matey_core.errors import DataError
from matey_core.fields import FieldSpec, Grid
from matey_core.readers import Header, Source
from matey_core.readers._unread import unread
from matey_core.readers.pdebench import names
from matey_core.sources.spacing import uniform

ORDER = ("x", "y", "z", "t")
VARYING = {"dam_radius"}
"""Differs from sample to sample, so a config for the whole file cannot tell it."""


def accepts(file: h5py.File) -> bool:
    """Whether some group of the file holds `data`."""
    return any("data" in datasets(group) for group in groups(file).values())


def _samples(file: h5py.File) -> dict[str, h5py.Group]:
    """The sample groups; their names may have gaps."""
    return {key: group for key, group in groups(file).items() if "data" in datasets(group)}


def open_source(path: Path, file: h5py.File) -> Source:
    """Read the header.

    Raises:
        DataError: groups differ in shape or grid, or have no coordinates.
    """
    samples = _samples(file)
    keys = sorted(samples)
    arrays = {key: samples[key]["data"] for key in keys}
    shape = same_shape(path, arrays)
    coordinates = _coordinates(path, samples, keys)
    num_axes = len(coordinates) - 1
    if len(shape) != num_axes + 2 or num_axes > 3:
        raise DataError(
            f"{path}: data of a sample has shape {shape}; with the coordinates "
            f"{', '.join(coordinates)} it should be [time, {'space, ' * num_axes}channel]."
        )
    shared = attributes(file)
    configs = [_config(samples[key], key, shared) for key in keys]
    family = names.grouped_family(path.name, configs[0], axes=num_axes, channels=shape[-1])
    times = coordinates.pop("t")
    axes = _order(family, shape[1:-1], coordinates)
    grid = Grid(
        axes=axes,
        shape=shape[1:-1],
        spacing=tuple(
            uniform(path, f"grid/{axis}", coordinates[axis], points=points)
            for axis, points in zip(axes, shape[1:-1], strict=True)
        ),
        boundary=(family.boundary,) * num_axes,
    )
    time_step = uniform(path, "grid/t", times, points=shape[0])
    header = Header(
        spec=FieldSpec(fields=family.fields, grid=grid, time_step=time_step),
        coordinates={axis: coordinates[axis] for axis in axes},
        times=times,
        sample_names=tuple(keys),
        parameters=_parameters(configs),
        dtype=floating(path, *arrays.values()),
        num_bytes=path.stat().st_size,
        conserved=family.conserved,
        directed=family.directed,
        notes=unread(datasets(samples[keys[0]]), ("data",), f"{keys[0]}/"),
    )
    source = GroupedSource(path, header)
    source.frames_together = chunk_along(arrays[keys[0]], 0)
    return source


def _coordinates(
    path: Path, samples: dict[str, h5py.Group], keys: list[str]
) -> dict[str, np.ndarray]:
    """Read the coordinates that all samples share: x, y, z as far as present, and t."""
    shared: dict[str, np.ndarray] = {}
    for key in keys:
        grid = groups(samples[key]).get("grid")
        found = datasets(grid) if grid is not None else {}
        missing = [axis for axis in ("t", "x") if axis not in found]
        if missing:
            raise DataError(
                f"{path}: group {key} has no coordinate "
                f"{' and no '.join(f'grid/{axis}' for axis in missing)}."
            )
        present = [axis for axis in ORDER if axis in found]
        values = {axis: small(path, found[axis]) for axis in present}
        shared = shared or values
        if values.keys() != shared.keys() or any(
            not np.array_equal(values[axis], shared[axis]) for axis in values
        ):
            raise DataError(
                f"{path}: groups {keys[0]} and {key} have different coordinates; "
                "the samples of a file must share one grid."
            )
    return shared


def _order(
    family: names.Family, space: tuple[int, ...], coordinates: dict[str, np.ndarray]
) -> tuple[str, ...]:
    """Say which coordinate each axis of the data has: lengths decide, then the family."""
    axes = tuple(coordinates)
    orders = [axes, axes[::-1]]
    if family is names.DIFFUSION_REACTION:
        orders.reverse()
    fitting = (o for o in orders if tuple(len(coordinates[axis]) for axis in o) == space)
    return next(fitting, orders[0])


def _config(group: h5py.Group, key: str, shared: dict[str, Any]) -> dict[str, Any]:
    """Config of a sample: on its group, on the file under its name, or for all of the file."""
    own = attributes(group)
    if "config" in own:
        return names.plain_yaml(text_of(own["config"]))
    if f"{key}/config" in shared:
        return names.plain_yaml(text_of(shared[f"{key}/config"]))
    config = names.plain_yaml(text_of(shared.get("config", "")))
    section = config.get("sim")
    if isinstance(section, dict):
        config["sim"] = {k: v for k, v in section.items() if k not in VARYING}
    return config


def _parameters(configs: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    found = [names.config_parameters(config) for config in configs]
    keys = sorted(set().union(*found))
    return {key: np.array([values.get(key, np.nan) for values in found]) for key in keys}


class GroupedSource(Source):
    """Arrays `<sample name>/data` of [time, *space, channel]."""

    def read(self, sample: int, start: int, stop: int) -> Shaped[np.ndarray, "time c *space"]:
        """Read frames `start` to `stop` (exclusive), in the dtype of the source."""
        frames = clip(start, stop, len(self.header.times))
        with open_hdf5(self.path, user=self) as file:
            values = file[f"{self.header.sample_names[sample]}/data"][frames]
        # Each channel in one piece, which is how it will be written.
        channels = np.ascontiguousarray(np.moveaxis(values, -1, 0), self.header.dtype)
        return channels.swapaxes(0, 1)
