"""Longitudes that go round the whole circle, and axes that run backwards in the file."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from matey_core.readers import ReaderOptions
from matey_core.readers.netcdf import NetcdfReader
from matey_core.workflows.prepare import PrepareConfig, prepare


def globe(path: Path, lon: np.ndarray, lat: np.ndarray, name: str = "lon", **unit: str) -> Path:
    values = np.random.default_rng(0).normal(size=(4, len(lat), len(lon)))
    coordinates: dict[str, Any] = {
        "time": np.arange(4.0), "lat": ("lat", lat, {"units": "degrees_north"}),
        name: (name, lon, unit),
    }  # fmt: skip
    data = xr.Dataset({"t": (("time", "lat", name), values)}, coordinates)
    data.to_netcdf(path, engine="h5netcdf")
    return path


LAT = np.arange(-60.0, 61, 20)
ROUND = np.arange(0.0, 360, 30)


def notes(path: Path, **options: Any) -> str:
    return "; ".join(NetcdfReader(ReaderOptions(**options)).open(path).header.notes)


@pytest.mark.parametrize(
    ("lon", "name", "unit", "says"),
    [
        (ROUND, "lon", "degrees_east", "--boundary x=periodic says so"),
        (ROUND - 180, "longitude", "", "--boundary x=periodic says so"),
        (ROUND[::-1], "x", "degrees_E", "--boundary x=periodic says so"),
        (np.linspace(0, 360, 13), "lon", "degrees", "--boundary x=periodic --crop x=0:12"),
        (np.arange(0.0, 330, 30), "lon", "degrees_east", ""),
        (ROUND, "x", "", ""),
        (ROUND, "x", "m", ""),
    ],
)
def test_a_full_circle_is_told(
    tmp_path: Path, lon: np.ndarray, name: str, unit: str, says: str
) -> None:
    path = globe(tmp_path / "a.nc", lon, LAT, name, units=unit)
    assert ("whole circle" in notes(path)) == bool(says)
    assert says in notes(path)
    assert "whole circle" not in notes(path, boundary=("x=periodic",))


def test_crop_of_an_axis_that_runs_backwards_says_where_it_counts_from(tmp_path: Path) -> None:
    path = globe(tmp_path / "a.nc", ROUND, LAT[::-1], units="degrees_east")
    config = PrepareConfig(reader="netcdf", source=path, out=tmp_path / "z", check=False)
    crop = config.model_copy(update={"crop": {"y": (0, 3)}})
    assert "--crop y counts from its smallest position on" in prepare(crop).rows[0].note
    with xr.open_zarr(tmp_path / "z" / "a.zarr") as store:
        assert store["y"].values.tolist() == [-60, -40, -20]
    other = config.model_copy(update={"crop": {"x": (0, 3)}, "overwrite": True})
    assert "--crop" not in prepare(other).rows[0].note.replace("--crop x=0", "")
