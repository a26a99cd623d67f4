"""Other programs know the axes and fields of a store by the attributes of CF."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from matey_core.runs.folder import record_of
from matey_core.store import open_store
from matey_core.workflows.prepare import PrepareConfig, prepare


def test_axes_and_fields_are_described(tmp_path: Path) -> None:
    axes = {
        "time": ("time", np.arange(3.0), {"units": "days since 2000-01-01"}),
        "lat": ("lat", np.arange(4.0), {"units": "degrees_north"}),
        "lon": ("lon", np.arange(5.0), {"units": "degrees_east"}),
    }
    about = {"units": "K", "standard_name": "air_temperature"}
    values = np.random.default_rng(0).normal(size=(3, 4, 5)).astype("f4")
    data = xr.Dataset({"air_temp": (("time", "lat", "lon"), values, about)}, axes)
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    config = PrepareConfig(reader="netcdf", source=tmp_path / "a.nc", workers=1, check=False)
    (row,) = prepare(config).rows
    store = xr.open_zarr(row.store, decode_times=False)
    assert store.attrs["Conventions"].startswith("CF-1.")
    described = {name: dict(store[name].attrs) for name in ("time", "y", "x", "air_temp")}
    assert described["time"] == {"units": "s", "axis": "T", "standard_name": "time"}
    assert described["y"] == {"units": "degrees_north", "axis": "Y", "standard_name": "latitude"}
    assert described["x"] == {"units": "degrees_east", "axis": "X", "standard_name": "longitude"}
    known = {"units": "K", "long_name": "air temp", "standard_name": "air_temperature"}
    assert described["air_temp"].items() >= known.items()


@pytest.mark.parametrize(("said", "expected"), [("", "CC0-1.0"), ("CC-BY-4.0", "CC-BY-4.0")])
def test_a_license_is_that_of_the_file_or_what_a_person_says(
    tmp_path: Path, said: str, expected: str
) -> None:
    values = np.random.default_rng(0).normal(size=(3, 8)).astype("f4")
    data = xr.Dataset({"u": (("time", "x"), values)}, attrs={"License": " CC0-1.0\n"})
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    source = {"source": tmp_path / "a.nc", "time_step": 1.0, "spacing": (1.0,)}
    config = PrepareConfig(reader="netcdf", **source, license=said, workers=1, check=False)
    (row,) = prepare(config).rows
    assert xr.open_zarr(row.store).attrs["license"] == expected
    assert record_of(open_store(row.store), [0]).license == expected
