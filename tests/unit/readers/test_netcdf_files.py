"""Finding NetCDF by content, and refusing what is damaged."""

import importlib.util
import os
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from matey_core.errors import ConfigError, DataError, MateyError
from matey_core.readers.netcdf import NetcdfReader
from matey_core.readers.netcdf.files import is_netcdf
from tests.support import tiny_source

U = np.arange(3 * 4 * 5, dtype=np.float32).reshape(3, 4, 5)


def write(path: Path, values: np.ndarray = U, engine: str = "h5netcdf") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    xr.Dataset({"u": (("time", "y", "x"), values)}).to_netcdf(path, engine=engine)  # type: ignore[call-overload]
    return path


def test_folders_of_one_structure_are_one_source(tmp_path: Path) -> None:
    write(tmp_path / "one" / "b")
    write(tmp_path / "one" / "a.dat")
    write(tmp_path / "one" / "deeper" / "ünïcode ☃.nc")
    mixed = [write(tmp_path / "mixed" / "a.nc"), write(tmp_path / "mixed" / "b.nc", U[:2])]
    write(tmp_path / "stores" / "left_out.nc")
    (tmp_path / "one" / "README").write_text("no data")
    (tmp_path / "one" / "loop").symlink_to(tmp_path)
    tiny_source(tmp_path / "one" / "pdebench.hdf5")
    reader = NetcdfReader()
    found = reader.find(tmp_path, exclude=[tmp_path / "stores"])
    assert found == sorted([tmp_path / "one", tmp_path / "one" / "deeper", *mixed])
    assert all(reader.recognizes(path) for path in found)
    assert not reader.recognizes(tmp_path)
    assert not reader.recognizes(tmp_path / "mixed")
    assert not reader.recognizes(tmp_path / "one" / "pdebench.hdf5")
    assert reader.open(tmp_path / "one").header.sample_names == ("a", "b")
    assert reader.open(tmp_path / "one" / "deeper").header.sample_names == ("ünïcode ☃",)


def test_files_of_different_times_are_no_trajectories_of_one_source(tmp_path: Path) -> None:
    for start in (0, 3):
        data = xr.Dataset({"u": (("time", "y", "x"), U)}, {"time": start + np.arange(3.0)})
        data.to_netcdf(tmp_path / f"{start}.nc", engine="h5netcdf")
    with pytest.raises(DataError, match="different times, by up to 3") as caught:
        NetcdfReader().open(tmp_path)
    assert "Pieces of one trajectory" in caught.value.remedy


def test_dimension_scales_tell_netcdf_without_its_mark(tmp_path: Path) -> None:
    path = write(tmp_path / "a")
    with h5py.File(path, "a") as file:
        del file.attrs["_NCProperties"]
    assert NetcdfReader().recognizes(path)
    with h5py.File(path, "a") as file:
        file.create_group("t0_fields")
    assert not NetcdfReader().recognizes(path)


def test_a_file_in_the_place_of_another_is_looked_at_anew(tmp_path: Path) -> None:
    path, other = write(tmp_path / "a.dat"), tmp_path / "b.dat"
    assert is_netcdf(path)
    with h5py.File(other, "w") as file:
        file["u"] = U
    os.truncate(other, path.stat().st_size)
    os.utime(other, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    other.replace(path)
    assert not is_netcdf(path)
    write(path)
    assert is_netcdf(path)


def test_values_in_other_files_are_refused(tmp_path: Path) -> None:
    other = write(tmp_path / "other" / "b.nc")
    path = write(tmp_path / "a.nc")
    with h5py.File(path, "a") as file:
        file["v"] = h5py.ExternalLink(str(other), "/u")
    with pytest.raises(DataError, match="v lies in another file"):
        NetcdfReader().open(path)
    path = write(tmp_path / "c.nc")
    with h5py.File(path, "a") as file:
        file.create_dataset("v", (1,), "u1", external=[("/etc/hostname", 0, 1)])
    with pytest.raises(DataError, match="v lies in another file"):
        NetcdfReader().open(path)


def test_a_package_that_lacks_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.nc")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match="needs the package h5netcdf") as caught:
        NetcdfReader().open(path)
    assert caught.value.remedy == "pip install 'matey-fm[netcdf]'"


def test_what_is_named_like_netcdf_must_be(tmp_path: Path) -> None:
    (tmp_path / "a.nc").write_bytes(b"")
    (tmp_path / "._b.nc").write_bytes(b"left by another system")
    with pytest.raises(DataError, match="named like NetCDF"):
        NetcdfReader().find(tmp_path)


@pytest.mark.parametrize("engine", ["scipy", "h5netcdf"])
@pytest.mark.parametrize("share", [0.001, 0.02, 0.1, 0.5, 0.9, 0.99])
def test_truncated_files_are_refused(tmp_path: Path, engine: str, share: float) -> None:
    path = write(tmp_path / "a.nc", engine=engine)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(MateyError):
        NetcdfReader().open(path).read(0, 0, 3)
