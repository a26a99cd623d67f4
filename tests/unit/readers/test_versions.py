"""Final and preliminary data of ERA5 in one file (`expver`): merged, or said."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from matey_core.errors import DataError
from matey_core.readers import Source
from matey_core.readers.array import ArrayReader
from matey_core.readers.netcdf import NetcdfReader

LATER = 6
"""The first time that only preliminary data has."""


def truth() -> np.ndarray:
    """Temperatures (time, latitude, longitude)."""
    times, latitudes = np.arange(10.0)[:, None, None], np.arange(60, 39, -5.0)[:, None]
    return (280 + times + latitudes / 10 + 0 * np.arange(4.0)).astype("f4")


def era5(versions: object) -> xr.Dataset:
    """A file of before 2024: a dim of two versions, missing where the other has values."""
    values = np.repeat(truth()[:, None], 2, 1)
    final = [str(version).lstrip("0") == "1" for version in np.asarray(versions)]
    values[LATER:, final.index(True)] = np.nan
    values[:LATER, final.index(False)] = np.nan
    units = {"units": "hours since 1900-01-01 00:00:00.0"}
    return xr.Dataset(
        {"t2m": (("time", "expver", "latitude", "longitude"), values, {"units": "K"})},
        {
            "time": ("time", 1069800 + 24 * np.arange(10), units),
            "expver": ("expver", versions),
            "latitude": ("latitude", np.arange(60, 39, -5.0), {"units": "degrees_north"}),
            "longitude": ("longitude", np.arange(4.0), {"units": "degrees_east"}),
        },
    )


def check(source: Source) -> None:
    assert source.header.spec.names == ("t2m",)
    assert source.header.spec.grid.axes == ("y", "x")
    # Latitudes run backwards in the file.
    np.testing.assert_allclose(source.read(0, 2, 9)[:, 0], truth()[2:9, ::-1], atol=2e-3)
    assert any("expver" in note and "merged" in note for note in source.header.notes)
    assert not any("left out" in note for note in source.header.notes)


PACKED = {"dtype": "i2", "scale_factor": 1e-3, "add_offset": 290.0, "_FillValue": -32767}


@pytest.mark.parametrize("encoding", [PACKED, {}], ids=["packed", "plain"])
@pytest.mark.parametrize("versions", [[1, 5], [5, 1]])
def test_versions_are_merged(tmp_path: Path, versions: list[int], encoding: dict) -> None:
    path = tmp_path / "era5t.nc"
    era5(np.array(versions, "i4")).to_netcdf(path, engine="h5netcdf", encoding={"t2m": encoding})
    check(NetcdfReader().open(path))


def test_versions_of_classic_netcdf_and_zarr_are_merged(tmp_path: Path) -> None:
    data = era5(np.array([1, 5], "i4"))
    data.to_netcdf(tmp_path / "era5t.nc", engine="scipy", encoding={"t2m": PACKED})
    check(NetcdfReader().open(tmp_path / "era5t.nc"))
    data.to_zarr(tmp_path / "era5t.zarr", zarr_format=2)
    check(ArrayReader().open(tmp_path / "era5t.zarr"))


def test_the_times_of_preliminary_data_are_said(tmp_path: Path) -> None:
    whole = era5(["0001", "0005"]).isel(expver=0, drop=True)
    whole["t2m"] = (("time", "latitude", "longitude"), truth(), {"units": "K"})
    versions = ["0001"] * LATER + ["0005"] * (10 - LATER)
    whole.assign_coords(expver=("time", versions)).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    (note,) = [n for n in NetcdfReader().open(tmp_path / "a.nc").header.notes if "expver" in n]
    assert note == "preliminary data (expver 5) at 4 of 10 times, the first at time index 6"


def test_three_versions_are_not_known(tmp_path: Path) -> None:
    data = era5([1, 5]).isel(expver=[0, 1, 1]).assign_coords(expver=[1, 5, 9])
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    with pytest.raises(DataError, match="expver"):
        NetcdfReader().open(tmp_path / "a.nc")
