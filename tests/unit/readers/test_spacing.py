"""Times and coordinates that are not uniform: what is wrong, where, and what to do."""

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from matey_core.errors import ConfigError, DataError
from matey_core.readers import Header, ReaderOptions
from matey_core.readers.netcdf import NetcdfReader

MONTHS = [0.0, 31, 59, 90, 120, 151]


def opened(
    folder: Path, times: list[float], units: str = "", dtype: str = "f8", **options: float
) -> Header:
    values = np.random.default_rng(0).normal(size=(len(times), 8))
    data = xr.Dataset(
        {"p": (("time", "x"), values)},
        {
            "time": ("time", np.asarray(times, dtype), {"units": units} if units else {}),
            "x": np.arange(8.0),
        },
    )
    path = folder / f"{len(list(folder.iterdir()))}.nc"
    data.to_netcdf(path, engine="h5netcdf")
    return NetcdfReader(ReaderOptions(**options)).open(path).header  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("times", "where", "remedy"),
    [
        ([0, 1, 2, 2, 3, 4], "point 2 is 2 and point 3 2", "Remove point 3, which is there twice"),
        ([0, 1, 2, 1.5, 2.5], "point 2 is 2 and point 3 1.5", "before a restart"),
        ([5, 4, 3, 2, 1], "point 0 is 5 and point 1 4", "Turn the order"),
        ([0, 1, np.nan, 3], "point 2 of 4 is nan", "finite number"),
        ([0, 1, 2, 4, 5, 6], "the step after point 2 is 2, most are about 1", "--time-step"),
    ],
)
def test_the_place_is_named(tmp_path: Path, times: list[float], where: str, remedy: str) -> None:
    with pytest.raises(DataError) as caught:
        opened(tmp_path, times)
    assert where in str(caught.value)
    assert remedy in caught.value.remedy
    if np.isfinite(times).all() and (np.diff(times) > 0).all():
        return
    with pytest.raises(DataError, match="does not increase"):
        opened(tmp_path, times, time_step=1.0)


@pytest.mark.parametrize(
    ("times", "units", "dtype", "why"),
    [
        (MONTHS, "days since 2001-01-01", "f8", "these are months, of 28 to 31 days"),
        ([20000130, 20000131, 20000201], "day as %Y%m%d.%f", "f8", "writes dates as numbers"),
        (list(1.6e9 + 600 * np.arange(12)), "seconds since 1970-01-01", "f4", "rounded to 128"),
    ],
)
def test_the_reason_is_named(
    tmp_path: Path, times: list[float], units: str, dtype: str, why: str
) -> None:
    with pytest.raises(DataError, match="unevenly spaced") as caught:
        opened(tmp_path, times, units, dtype)
    assert why in str(caught.value)
    assert "--time-step" in caught.value.remedy


@pytest.mark.parametrize(
    ("times", "units"),
    [(MONTHS, "days since 2001-01-01"), (list(range(6)), "months since 2000-01-01")],
)
def test_a_step_takes_the_place_of_uneven_times(
    tmp_path: Path, times: list[float], units: str
) -> None:
    header = opened(tmp_path, times, units, time_step=0.5)
    np.testing.assert_array_equal(header.times, 0.5 * np.arange(6))
    assert header.spec.time_step == 0.5
    assert "time" not in header.units


def test_a_step_is_refused_beside_even_times(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="the source has times"):
        opened(tmp_path, [0, 1, 2], "days since 2001-01-01", time_step=0.5)
    with pytest.raises(DataError, match="no fixed length") as caught:
        opened(tmp_path, [0, 1, 2], "months since 2001-01-01")
    assert "--time-step" in caught.value.remedy


@pytest.mark.filterwarnings("error")
def test_a_single_time_is_even(tmp_path: Path) -> None:
    assert opened(tmp_path, [3.0]).times.tolist() == [3.0]
