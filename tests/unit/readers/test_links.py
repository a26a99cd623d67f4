"""HDF5 and NetCDF give values of the file that was named, and open no other."""

import os
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from matey_core.containers.links import inside
from matey_core.errors import ConfigError, DataError
from matey_core.readers import READERS, ReaderOptions
from tests.support import tiny_source
from tests.support_well import well_file

SECRET = 4711.0


def secret(folder: Path, like: h5py.Dataset) -> str:
    """Another file, whose array `u` would fit in the place of `like`."""
    (folder / "secret").mkdir(exist_ok=True)
    with h5py.File(folder / "secret/b.h5", "w") as file:
        file["u"] = np.full(like.shape, SECRET, like.dtype)
        file["group/u"] = file["u"]
    return str(folder / "secret/b.h5")


def external(file: h5py.File, name: str, other: str) -> None:
    file[name] = h5py.ExternalLink(other, "/u")


def soft_to_external(file: h5py.File, name: str, other: str) -> None:
    file["way"] = h5py.ExternalLink(other, "/u")
    file[name] = h5py.SoftLink("/way")


def soft_through_external(file: h5py.File, name: str, other: str) -> None:
    file["hop/way"] = h5py.ExternalLink(other, "/group")
    file["again"] = h5py.SoftLink("hop/way")
    file[name] = h5py.SoftLink("/again/u")


def raw_values(file: h5py.File, name: str, other: str) -> None:
    file.create_dataset(name, (2, 3, 8), "f4", external=[(other, 2048, 4 * 48)])


def virtual(file: h5py.File, name: str, other: str) -> None:
    layout = h5py.VirtualLayout((2, 3, 8), "f4")
    layout[...] = h5py.VirtualSource(other, "u", (2, 3, 8))
    file.create_virtual_dataset(name, layout)


WAYS: list[Callable[[h5py.File, str, str], None]] = [
    external,
    soft_to_external,
    soft_through_external,
    raw_values,
    virtual,
]


def netcdf(path: Path) -> str:
    values = np.zeros((2, 3, 8), np.float32)
    places = {"time": np.arange(3.0), "x": np.arange(8.0)}
    xr.Dataset({"u": (("run", "time", "x"), values)}, places).to_netcdf(path, engine="h5netcdf")
    return "u"


def stacked(path: Path) -> str:
    tiny_source(path, shape=(8,), samples=2, frames=3, fields=("density",))
    return "density"


def grouped(path: Path) -> str:
    tiny_source(path, shape=(8, 8), samples=2, frames=3, fields=("activator", "inhibitor"))
    return "0000/data"


def well(path: Path) -> str:
    well_file(path, samples=2, frames=3, shape=(8, 8))
    with h5py.File(path) as file:
        return f"t0_fields/{next(iter(file['t0_fields']))}"


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("make", [netcdf, stacked, grouped, well])
def test_values_of_other_files_are_never_read(
    make: Callable[[Path], str], way: Callable[[h5py.File, str, str], None], tmp_path: Path
) -> None:
    path = tmp_path / ("a.nc" if make is netcdf else "a.h5")
    name = make(path)
    with h5py.File(path, "a") as file:
        other = secret(tmp_path, file[name])
        del file[name]
        way(file, name, other)
    stolen = 0
    tries = [(reader, ReaderOptions()) for reader in READERS.names()]
    for dims in (("sample", "time", "x"), ("time", "y", "x", "field")):
        tries += [("hdf5", ReaderOptions(dims=dims, fields=fields)) for fields in ((), (name,))]
    for reader, options in tries:
        try:
            source = READERS[reader](options).open(path)
            values = [source.read(0, 0, 1), source.read_static(0)]
        except (ConfigError, DataError):
            continue
        stolen += sum(int((part == SECRET).sum()) for part in values)
    assert stolen == 0
    if make is netcdf:
        with pytest.raises(DataError, match="lies in another file"):
            READERS["netcdf"]().open(path)


def test_a_name_that_an_attribute_gives_is_no_way(tmp_path: Path) -> None:
    path = tmp_path / "a.h5"
    name = well(path)
    with h5py.File(path, "a") as file:
        other = secret(tmp_path, file[name])
        file["t0_fields/way"] = h5py.ExternalLink(other, "/group")
        attributes = dict(file[name].attrs)
        file["t0_fields"].attrs["field_names"] = ["way/u"]
    with h5py.File(other, "a") as file:
        file["group/u"].attrs.update(attributes)
    with pytest.raises(DataError, match="does not hold it"):
        READERS["the_well"]().open(path)


@pytest.mark.parametrize("kind", ["pipe", "missing"])
def test_other_files_are_not_even_opened(kind: str, tmp_path: Path) -> None:
    """A link to a pipe would wait for ever."""
    if kind == "pipe":
        os.mkfifo(tmp_path / "pipe.h5")
    for number, way in enumerate(WAYS[:3]):
        path = tmp_path / f"{number}.nc"
        netcdf(path)
        with h5py.File(path, "a") as file:
            del file["u"]
            way(file, "u", str(tmp_path / "pipe.h5"))
        assert READERS["netcdf"]().recognizes(path)
        with pytest.raises(DataError, match="lies in another file"):
            READERS["netcdf"]().open(path)
        for reader in READERS.names():
            READERS[reader]().recognizes(path)


def test_links_inside_a_file_are_followed(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a/b/u"] = 1.0
        file["a/link"] = h5py.SoftLink("b/u")
        file["far"] = h5py.SoftLink("/a/link")
        file["self"] = h5py.SoftLink("self")
        file["gone"] = h5py.SoftLink("/nowhere")
        assert inside(file, "far") == inside(file, "a/./b//u") == file["a/b/u"]
        assert inside(file["a"], "/far") == file["a/b/u"]
        assert inside(file, "self") is inside(file, "gone") is inside(file, "far/more") is None
