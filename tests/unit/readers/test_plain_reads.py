"""Variables that need no decoding are read without xarray, and the values are those of xarray."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from matey_core.readers import ReaderOptions
from matey_core.readers.netcdf import NetcdfReader, files

ENCODINGS = {
    "as it is": {"_FillValue": None},
    "a NaN to fill": {},
    "a number to fill": {"_FillValue": np.float32(-999.0)},
    "two marks of what lacks": {"missing_value": np.float32(1e20), "_FillValue": None},
    "packed": {"dtype": "i2", "scale_factor": 1e-3, "add_offset": 290.0, "_FillValue": -32767},
    "big endian": {"dtype": ">f4"},
    "half": {"dtype": "f2"},
    "compressed": {"zlib": True, "chunksizes": (1, 1, 3, 4), "shuffle": True},
    "rounded": {"dtype": "f4", "scale_factor": 2.0},
}


def runs(count: int) -> xr.Dataset:
    """Waves on (time, y, x), some of them missing."""
    values = np.sin(np.arange(count * 4 * 5 * 6).reshape(count, 4, 5, 6)) * 9 + 290
    values[:, 1, 2, 3] = np.nan
    axes = {"time": np.arange(4.0), "y": np.arange(5.0)[::-1], "x": np.arange(6.0)}
    return xr.Dataset({"u": (("run", "time", "y", "x"), values.astype("f4"))}, axes)


@pytest.mark.parametrize("name", ENCODINGS)
def test_values_are_those_of_xarray(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.nc"
    runs(2).to_netcdf(path, engine="h5netcdf", encoding={"u": ENCODINGS[name]})
    source = NetcdfReader().open(path)
    with xr.open_dataset(path, engine="h5netcdf", decode_times=False) as data:
        expected = data["u"].values[:, :, ::-1]
    for sample in range(2):
        found = source.read(sample, 1, 4)
        assert found.dtype == expected.dtype.newbyteorder("<")
        np.testing.assert_array_equal(found[:, 0], expected[sample, 1:4])


def test_each_file_has_its_own_packing(tmp_path: Path) -> None:
    for number in range(3):
        data = runs(1).isel(run=0).fillna(290.0) * 10.0**number
        packing = {"dtype": "i2", "scale_factor": 10.0**number / 100, "add_offset": 300.0 * number}
        data.to_netcdf(
            tmp_path / f"{number}.nc", engine="scipy", encoding={"u": packing | {"_FillValue": -1}}
        )
    source = NetcdfReader().open(tmp_path)
    for number in range(3):
        with xr.open_dataset(tmp_path / f"{number}.nc", engine="scipy") as data:
            expected = data["u"].values[:, ::-1]
        np.testing.assert_array_equal(source.read(number, 0, 4)[:, 0], expected)


def test_xarray_opens_each_of_many_files_once(tmp_path: Path) -> None:
    count = files.OPEN_FILES + 2
    for number in range(count):
        runs(1).isel(run=0).to_netcdf(tmp_path / f"{number}.nc", engine="h5netcdf")
    files._opened.cache_clear()
    source = NetcdfReader(ReaderOptions(join="sample")).open(tmp_path)
    for sample in range(count):
        assert source.read(sample, 0, 4).shape == (4, 1, 5, 6)
    assert files._opened.cache_info().misses == count


def test_a_file_that_has_changed_is_read_anew(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    runs(1).isel(run=0).to_netcdf(path, engine="h5netcdf")
    source = NetcdfReader().open(path)
    before = source.read(0, 0, 4)
    (runs(1).isel(run=0) + 1).to_netcdf(tmp_path / "b.nc", engine="h5netcdf")
    (tmp_path / "b.nc").replace(path)
    np.testing.assert_allclose(source.read(0, 0, 4), before + 1, rtol=1e-6)
