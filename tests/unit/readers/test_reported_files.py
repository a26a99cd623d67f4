"""Files as people have reported them: one a time step, and times in all calendars."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from matey_core.readers import ReaderOptions
from matey_core.readers.array import ArrayReader
from matey_core.readers.netcdf import NetcdfReader

DAY = 86400.0


def test_one_array_a_time_step_is_said_and_can_be_joined(tmp_path: Path) -> None:
    for number in range(5):
        values = np.full((2, 4, 3), float(number), "f4")
        np.save(tmp_path / f"step_{10 * number:06d}.npy", values)
    dims = ("field", "y", "x")
    alone = ArrayReader(ReaderOptions(dims=dims)).open(tmp_path).header
    assert (len(alone.sample_names), len(alone.times)) == (5, 1)
    assert any("--join time makes them the time steps of one" in note for note in alone.notes)
    source = ArrayReader(ReaderOptions(dims=dims, join="time")).open(tmp_path)
    np.testing.assert_array_equal(source.header.times, [0, 10, 20, 30, 40])
    np.testing.assert_array_equal(source.read(0, 0, 5)[:, 1, 2, 2], np.arange(5.0))


@pytest.mark.parametrize(
    ("times", "units", "calendar", "step"),
    [
        (56 + np.arange(8.0), "days since 2000-01-01", "noleap", DAY),
        (15 + 30 * np.arange(12.0), "days since 2000-01-01", "360_day", 30 * DAY),
        (6 * np.arange(8), "hrs since 2000-01-01", "standard", 6 * 3600),
        (6 * np.arange(8), "Hours since 2000-01-01T00:00:00Z", "standard", 6 * 3600),
        (np.arange(8), "days", "standard", 1),
        (20000101 + np.arange(8), "day as %Y%m%d.%f", "standard", 1),
        ([15.5, 45, 74.5, 105, 135.5, 166, 196.5], "days since 2000-01-01", "noleap", 30.2 * DAY),
    ],
)
def test_even_times_of_any_calendar_are_read(
    tmp_path: Path, times: object, units: str, calendar: str, step: float
) -> None:
    known = np.asarray(times)
    about = {"units": units, "calendar": calendar}
    values = np.random.default_rng(0).normal(size=(len(known), 6, 5)).astype("f4")
    axes = {"time": ("time", known, about), "lat": np.arange(6.0), "lon": np.arange(5.0)}
    data = xr.Dataset({"tas": (("time", "lat", "lon"), values)}, axes)
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    source = NetcdfReader().open(tmp_path / "a.nc")
    assert source.header.spec.time_step == pytest.approx(step, rel=0.01)
    np.testing.assert_array_equal(source.read(0, 0, len(known))[:, 0], values)
