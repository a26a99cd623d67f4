"""What is damaged: small projects of every kind of file, and commands that read them."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import xarray as xr
import zarr

from matey_core.workflows.prepare import PrepareConfig, prepare
from matey_core.workflows.pretrain import pretrain
from tests.support import tiny_source, tiny_store
from tests.support_well import well_file
from tests.training import TOML, pretrain_config

SMALL = {"samples": 2, "frames": 3, "shape": (6, 4)}
Line = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A kind of input."""

    build: Callable[[Path], None]
    """Writes sound projects, each a folder, into a folder."""
    lines: tuple[Line, ...]
    """Command lines; each case runs one."""
    suffixes: tuple[str, ...] = ()
    """Of the files that are damaged; by default all are."""
    below: str = ""
    """Where in a project files are damaged."""
    weight: int = 1
    """Share of the cases."""


def _hdf5(folder: Path) -> None:
    tiny_source(folder / "stacked/data/a.h5", **SMALL)
    tiny_source(folder / "grouped/data/a.h5", **SMALL, fields=("activator", "inhibitor"))
    well_file(folder / "well/data/a.h5", **SMALL)
    values = np.linspace(0, 1, 2 * 3 * 6 * 4 * 2, dtype=np.float32).reshape(2, 3, 6, 4, 2)
    (folder / "incompressible/data").mkdir(parents=True)
    with h5py.File(folder / "incompressible/data/a.h5", "w") as file:
        file["velocity"], file["particles"] = values, values[..., :1]
        file["t"] = np.tile(np.arange(3.0), (2, 1))
    (folder / "packed/data").mkdir(parents=True)
    with h5py.File(folder / "packed/data/a.h5", "w", libver="latest") as file:
        for name in ("density", "Vx"):
            file.create_dataset(name, data=values[..., 0], chunks=(1, 1, 6, 4), compression="gzip")
        for axis, points in (("x", 6), ("y", 4), ("t", 4)):
            file[f"{axis}-coordinate"] = np.arange(float(points))
        file.attrs["name"] = "of some length, in a heap"


def _netcdf(folder: Path) -> None:
    values = np.linspace(0, 1, 2 * 4 * 6 * 8, dtype=np.float32).reshape(2, 4, 6, 8)
    time = ("time", np.arange(4.0), {"units": "hours since 2000-01-01", "calendar": "standard"})
    for name, engine in (("classic", "scipy"), ("four", "h5netcdf")):
        data = xr.Dataset(
            {
                "u": (("run", "time", "y", "x"), values, {"units": "m/s"}),
                "v": (("run", "time", "y", "x"), -values, {"units": "m/s"}),
            },
            coords={"time": time, "y": np.arange(6.0), "x": ("x", np.arange(8.0), {"units": "m"})},
            attrs={"title": "a flow", "boundary": ["periodic", "periodic"]}
            if engine == "h5netcdf"
            else {"title": "a flow"},
        )
        (folder / name / "data").mkdir(parents=True)
        data.to_netcdf(folder / name / "data/a.nc", engine=engine)  # type: ignore[call-overload]
        (folder / f"{name}-files/data").mkdir(parents=True)
        for run in range(2):
            one = data.isel(run=run)
            one.to_netcdf(folder / f"{name}-files/data/{run}.nc", engine=engine)


def _array(folder: Path) -> None:
    values = np.linspace(0, 1, 2 * 4 * 6 * 8, dtype=np.float32).reshape(2, 4, 6, 8)
    for name in ("npy", "npz", "packed", "folder", "zarr2", "zarr3"):
        (folder / name / "data").mkdir(parents=True)
    np.save(folder / "npy/data/a.npy", values)
    np.savez(folder / "npz/data/a.npz", u=values, v=values)
    np.savez_compressed(folder / "packed/data/a.npz", u=values, v=values)
    for name in "uv":
        np.save(folder / f"folder/data/{name}.npy", values)
    (folder / "folder/data/case.json").write_text('{"viscosity": 0.1, "name": "a"}')
    for version in (2, 3):
        group = zarr.open_group(folder / f"zarr{version}/data/a.zarr", zarr_format=version)
        dims = ("sample", "time", "y", "x")
        named = {"dimension_names": dims} if version == 3 else {}
        array = group.create_array("u", data=values, chunks=(1, 4, 6, 8), **named)
        if version == 2:
            array.attrs["_ARRAY_DIMENSIONS"] = list(dims)


def _store(folder: Path) -> None:
    tiny_store(folder / "plain/data", shape=(16, 16), samples=4, frames=5)
    source = folder / "plain/data/tiny_periodic.hdf5"
    shutil.copytree(folder / "plain", folder / "packed")
    source.unlink()
    packed = folder / "packed/data"
    prepare(PrepareConfig(source=packed, overwrite=True, workers=1, compress="zstd", chunk=2))
    (packed / "tiny_periodic.hdf5").unlink()


def _run(folder: Path) -> None:
    project = folder / "project"
    tiny_store(project / "data", shape=(16, 16), samples=4, frames=8)
    pretrain(pretrain_config(project, steps=2, name="one"))
    (project / "data/tiny_periodic.hdf5").unlink()


def _toml(folder: Path) -> None:
    project = folder / "project"
    tiny_store(project / "data", shape=(16, 16), samples=4, frames=8)
    (project / "data/tiny_periodic.hdf5").unlink()
    (project / "settings.toml").write_text("steps = 1\n" + TOML.lstrip())
    (project / "matey.toml").write_text('data = "data"\nruns = "runs"\n')


HDF5 = ("prepare", "hdf5", "data", "--workers", "1")
SUBJECTS = {
    "hdf5": Subject(
        build=_hdf5,
        lines=(
            ("prepare", "auto", "data", "--workers", "1"),
            ("prepare", "pdebench", "data", "--workers", "1"),
            ("prepare", "the_well", "data", "--workers", "1"),
            HDF5,
            (*HDF5, "--fields", "density,Vx", "--dims", "sample,time,y,x"),
            (*HDF5, "--fields", "u=*/data", "--dims", "sample,time,y,x,field"),
            ("data", "inspect", "data"),
            ("data", "inspect", "data/a.h5", "--json"),
            ("info", "data/a.h5"),
        ),
        weight=8,
    ),
    "netcdf": Subject(
        build=_netcdf,
        lines=(
            ("prepare", "netcdf", "data", "--workers", "1", "--vector", "none"),
            ("prepare", "netcdf", "data", "--workers", "1"),
            ("prepare", "auto", "data", "--workers", "1"),
            ("data", "inspect", "data"),
            ("data", "inspect", "data", "--reader", "netcdf", "--json"),
        ),
        weight=6,
    ),
    "array": Subject(
        build=_array,
        lines=(
            ("prepare", "array", "data", "--workers", "1", "--dims", "sample,time,y,x"),
            ("prepare", "auto", "data", "--workers", "1"),
            ("data", "inspect", "data", "--reader", "array", "--dims", "sample,time,y,x"),
            ("data", "inspect", "data"),
        ),
        weight=6,
    ),
    "store": Subject(
        build=_store,
        lines=(
            ("data", "inspect"),
            ("data", "inspect", "data/zarr/tiny_periodic.zarr", "--json"),
            ("data", "check"),
            ("info", "data/zarr/tiny_periodic.zarr"),
            ("tokenize-inspect",),
            ("pretrain", "--steps", "1", "--preset", "nano", "--batch-size", "2"),
        ),
        weight=6,
    ),
    "run": Subject(
        build=_run,
        lines=(
            ("runs",),
            ("runs", "--json"),
            ("compare", "one", "one"),
            ("info", "runs/one"),
            ("info", "runs/one/model", "--json"),
            ("rollout", "--steps", "2", "--windows", "2", "--no-plot"),
            ("tokenize-inspect", "one"),
            ("finetune", "--steps", "1", "--batch-size", "2"),
            ("pretrain", "--resume", "--name", "one", "--steps", "3"),
        ),
        below="runs/",
        weight=6,
    ),
    "checkpoint": Subject(
        build=_run,
        lines=(
            ("pretrain", "--resume", "--name", "one", "--steps", "3"),
            ("rollout", "--steps", "2", "--windows", "2", "--no-plot"),
            ("info", "one"),
        ),
        suffixes=(".safetensors", ""),
        below="runs/one/",
        weight=3,
    ),
    "toml": Subject(
        build=_toml,
        lines=(
            ("pretrain", "--config", "settings.toml", "--steps", "1"),
            ("pretrain", "--config", "settings.toml", "--steps", "1", "--set", "model.depth=1"),
            ("data", "inspect"),
        ),
        suffixes=(".toml",),
        weight=4,
    ),
    "line": Subject(build=_run, lines=(), weight=4),
}


def build_all(folder: Path) -> None:
    """Write the sound projects of all kinds."""
    for name, subject in SUBJECTS.items():
        subject.build(folder / name)
