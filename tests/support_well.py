"""Small files in the layout of The Well, made by formula."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np

BOUNDARIES = ("PERIODIC", "WALL", "OPEN")
"""Of the first, second and third axis, unless the caller says otherwise."""


def wave(*shape: int, pitch: float = 0.37) -> np.ndarray:
    """Values in [-1, 1] that depend on nothing but their position."""
    return np.sin(pitch * np.arange(np.prod(shape))).reshape(shape).astype(np.float32)


def well_file(
    path: Path,
    *,
    axes: Sequence[str] = ("x", "y"),
    shape: Sequence[int] = (8, 6),
    samples: int = 2,
    frames: int = 5,
    name: str = "tiny_flow",
    boundaries: Sequence[str] = BOUNDARIES,
    viscosity: float = 0.01,
    start: float = 0.0,
    times: np.ndarray | None = None,
    change: Callable[[h5py.File], None] = lambda file: None,
) -> Path:
    """Write a file that has all the layout knows.

    Fields in time: `tracer` and `shear` (not along the last axis), the vector `velocity` and
    the tensor `D`. Static fields: `mask` (the same for all samples) and the vector `force`.
    Parameters: `viscosity` of the file and `Ra` of each sample. `energy` varies in time.

    Args:
        path: the file; its folders are made.
        axes: names of the space axes.
        shape: points along each.
        samples: number of trajectories.
        frames: number of times.
        name: of the dataset.
        boundaries: types, one an axis.
        viscosity: value of the parameter.
        start: is added to all values, so that files differ.
        times: (time,) or (sample, time); by default 0, 0.5, 1, …
        change: is called with the open file at the end.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    rank = len(axes)
    full, less = (samples, frames, *shape), (samples, frames, *shape[:-1])
    times = 0.5 * np.arange(frames, dtype=np.float32) if times is None else times
    with h5py.File(path, "w") as file:
        file.attrs.update(
            dataset_name=name,
            grid_type="cartesian" if axes[0] == "x" else "spherical",
            n_spatial_dims=rank,
            n_trajectories=samples,
            simulation_parameters=["viscosity"],
            viscosity=viscosity,
        )
        _dimensions(file, axes, shape, times)
        _boundaries(file, axes, shape, boundaries)
        scalars = _group(file, "scalars")
        _add(scalars, "viscosity", np.float32(viscosity))
        _add(scalars, "Ra", 1e4 * (1 + np.arange(samples, dtype=np.float32)), sample=True)
        _add(scalars, "energy", wave(samples, frames), sample=True, time=True)
        t0, t1, t2 = (_group(file, f"t{order}_fields") for order in range(3))
        moves = {"sample": True, "time": True}
        _add(t0, "tracer", start + wave(*full), **moves, along=[True] * rank)
        _add(t0, "shear", start + wave(*less), **moves, along=[True] * (rank - 1) + [False])
        _add(t0, "mask", (wave(*shape) > 0).astype(np.float32), along=[True] * rank)
        _add(t1, "velocity", start + wave(*full, rank), **moves, along=[True] * rank)
        _add(t1, "force", wave(samples, *shape, rank), sample=True, along=[True] * rank)
        _add(t2, "D", start + wave(*full, rank, rank), **moves, along=[True] * rank)
        t2["D"].attrs.update(symmetric=False, antisymmetric=False)
        change(file)
    return path


def _dimensions(
    file: h5py.File, axes: Sequence[str], shape: Sequence[int], times: np.ndarray
) -> None:
    group = file.create_group("dimensions")
    group.attrs["spatial_dims"] = list(axes)
    group["time"] = times
    group["time"].attrs["sample_varying"] = times.ndim == 2
    for axis, points in zip(axes, shape, strict=True):
        group[axis] = np.linspace(0, 1, points, endpoint=False, dtype=np.float32)
        group[axis].attrs.update(sample_varying=False, time_varying=False)


def _boundaries(
    file: h5py.File, axes: Sequence[str], shape: Sequence[int], kinds: Sequence[str]
) -> None:
    group = file.create_group("boundary_conditions")
    for axis, points, kind in zip(axes, shape, kinds, strict=False):
        condition = group.create_group(f"{axis}_{kind.lower()}")
        condition.attrs.update(
            associated_dims=[axis],
            associated_fields=[],
            bc_type=kind,
            sample_varying=False,
            time_varying=False,
        )
        mask = np.zeros(points, bool)
        mask[[0, -1]] = True
        condition["mask"] = mask


def _group(file: h5py.File, name: str) -> h5py.Group:
    group = file.create_group(name)
    group.attrs["field_names"] = np.array([], dtype=h5py.string_dtype())
    return group


def _add(
    group: h5py.Group,
    name: str,
    values: Any,
    *,
    sample: bool = False,
    time: bool = False,
    along: Sequence[bool] | None = None,
) -> None:
    group[name] = values
    group[name].attrs.update(sample_varying=sample, time_varying=time)
    if along is not None:
        group[name].attrs["dim_varying"] = list(along)
    listed = [*group.attrs["field_names"], name]
    group.attrs["field_names"] = listed


def well_dataset(folder: Path, **settings: Any) -> Path:
    """Write a dataset with two files in `data/train` and one in `valid` and `test` each."""
    for number, place in enumerate(("train/a", "train/b", "valid/a", "test/a")):
        path = folder / "data" / f"{place}.hdf5"
        well_file(path, start=number, viscosity=0.01 * (1 + number), **settings)
    return folder
