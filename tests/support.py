"""Tiny sources and stores made by formula, for tests that need no shared data."""

from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np

from matey_core.readers import Source
from matey_core.workflows.prepare import PrepareConfig, prepare

FLOW = {
    "density": "density",
    "pressure": "pressure",
    "velocity_x": "Vx",
    "velocity_y": "Vy",
    "velocity_z": "Vz",
}
GROUPED = {("activator", "inhibitor"): "2d_diff-react", ("height",): "2d_rdb"}


def advected(
    shape: Sequence[int], *, samples: int, frames: int, fields: int, step: float = 0.05
) -> np.ndarray:
    """A wave and a narrow bump that move diagonally through a periodic unit box.

    Every sample and field has its own phase; values depend on nothing but position.

    Returns:
        (sample, time, field, *space) float32, positive.
    """
    axes = len(shape)
    sample, time, field, *space = np.ogrid[
        (*(slice(0, n) for n in (samples, frames, fields)), *(slice(0, n) for n in shape))
    ]
    phase = 0.37 * sample + 0.61 * field
    speed = 1 + 0.1 * sample
    moved = [
        (index + 0.5) / points - speed * step * time + phase
        for index, points in zip(space, shape, strict=True)
    ]
    wave = sum(np.sin(2 * np.pi * (k + 1) * position) for k, position in enumerate(moved))
    bump = np.exp(sum(8 * (np.cos(2 * np.pi * position) - 1) for position in moved))
    return (2 * axes + (1 + field) * (wave + 2 * bump)).astype(np.float32)


def tiny_source(
    path: Path,
    *,
    shape: Sequence[int] = (16, 16),
    samples: int = 6,
    frames: int = 12,
    fields: Sequence[str] = ("density", "velocity_x"),
) -> Path:
    """Write a small HDF5 file in the layout that PDEBench has for `fields`.

    Fields of compressible flow give stacked periodic arrays in 1D, 2D or 3D;
    ("activator", "inhibitor") and ("height",) give groups of samples in 2D.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    values = advected(shape, samples=samples, frames=frames, fields=len(fields))
    with h5py.File(path, "w") as file:
        # Files of equal content would count as copies of one source.
        file.attrs["name"] = path.stem
        if tuple(fields) in GROUPED:
            _write_groups(file, values, GROUPED[tuple(fields)])
        else:
            _write_stacked(file, values, [FLOW[name] for name in fields])
    return path


def _write_stacked(file: h5py.File, values: np.ndarray, keys: Sequence[str]) -> None:
    for channel, key in enumerate(keys):
        file[key] = values[:, :, channel]
    for axis, points in zip("xyz", values.shape[3:], strict=False):
        file[f"{axis}-coordinate"] = ((np.arange(points) + 0.5) / points).astype(np.float32)
    file["t-coordinate"] = (0.05 * np.arange(values.shape[1] + 1)).astype(np.float32)
    file.attrs.update(eta=0.1, zeta=0.1)


def _write_groups(file: h5py.File, values: np.ndarray, name: str) -> None:
    for sample, trajectory in enumerate(values):
        group = file.create_group(f"{2 * sample:04d}")
        group["data"] = np.moveaxis(trajectory, 1, -1)
        group["grid/t"] = (0.05 * np.arange(len(trajectory))).astype(np.float32)
        order = "yx" if "react" in name else "xy"
        for axis, points in zip(order, trajectory.shape[2:], strict=True):
            group[f"grid/{axis}"] = ((np.arange(points) + 0.5) / points).astype(np.float32)
        group.attrs["config"] = f"name: {name}\nwork_dir: ${{hydra:runtime.cwd}}\nsim:\n  k: 0.5\n"


def tiny_store(
    folder: Path,
    *,
    name: str = "tiny_periodic",
    shape: Sequence[int] = (16, 16),
    samples: int = 6,
    frames: int = 12,
    fields: Sequence[str] = ("density", "velocity_x"),
    split: tuple[float, float, float] = (0.5, 0.25, 0.25),
) -> Path:
    """Prepare a `tiny_source`: `folder/<name>.hdf5` becomes `folder/zarr/<name>.zarr`.

    Call it again with another name to put more stores into the same folder. Stacked
    arrays are periodic where `periodic` is a part of the name, as in PDEBench.

    Returns:
        The store's path.
    """
    source = tiny_source(
        folder / f"{name}.hdf5", shape=shape, samples=samples, frames=frames, fields=fields
    )
    prepare(PrepareConfig(source=source, split=split))
    return folder / "zarr" / f"{name}.zarr"


class Failing(Source):
    """A source that fails at sample 3, until it is healed, and counts what is read."""

    def __init__(self, source: Source, error: BaseException | None) -> None:
        super().__init__(source.path, source.header)
        self.source, self.error = source, error
        self.reads: list[int] = []

    def read(self, sample: int, start: int, stop: int) -> np.ndarray:
        if sample == 3 and self.error:
            raise self.error
        self.reads.append(sample)
        return self.source.read(sample, start, stop)


def files_below(folder: Path) -> dict[str, bytes]:
    """Every file below a folder and its content."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
