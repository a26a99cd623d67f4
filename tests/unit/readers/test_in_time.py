"""Files that hold the times of one trajectory, one or several each."""

import pickle
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import xarray as xr

from matey_core.errors import ConfigError, DataError
from matey_core.readers import READERS, ReaderOptions, Source
from matey_core.readers.array import ArrayReader
from matey_core.readers.netcdf import NetcdfReader
from matey_core.workflows.prepare import PrepareConfig, prepare
from tests.support import advected

VALUES = advected((6, 8), samples=2, frames=12, fields=2)
"""(sample, time, field, y, x)"""
PLACES = {"y": np.arange(6.0), "x": np.arange(8.0)}


def snapshot(path: Path, frame: int, *, sample: int = 0, **attributes: str) -> None:
    """Write a file with a single time as a number."""
    data = xr.Dataset({"p": (("y", "x"), VALUES[sample, frame, 0])}, PLACES)
    data = data.assign_coords(time=((), 0.25 * frame, attributes))
    path.parent.mkdir(parents=True, exist_ok=True)
    data.to_netcdf(path, engine="h5netcdf")


def piece(path: Path, frames: range, times: np.ndarray, **attributes: str) -> None:
    """Write a file with some times of a trajectory."""
    fields = {"p": (("time", "y", "x"), VALUES[0, frames.start : frames.stop, 0])}
    data = xr.Dataset(fields, {**PLACES, "time": ("time", times, attributes)})
    data.to_netcdf(path, engine="h5netcdf")


def netcdf(path: Path, **options: Any) -> Source:
    (found,) = NetcdfReader(ReaderOptions(**options)).find(path)
    return NetcdfReader(ReaderOptions(**options)).open(found)


def arrays(path: Path, *dims: str, **options: Any) -> Source:
    reader = ArrayReader(ReaderOptions(dims=dims, **options))
    (found,) = reader.find(path)
    return reader.open(found)


def test_a_file_a_time_of_netcdf_is_a_trajectory(tmp_path: Path) -> None:
    for frame in range(12):
        snapshot(tmp_path / f"snap_{11 - frame}.nc", frame)  # the names count backwards
    source = pickle.loads(pickle.dumps(netcdf(tmp_path)))
    header = source.header
    assert (len(header.sample_names), len(header.times)) == (1, 12)
    np.testing.assert_array_equal(header.times, 0.25 * np.arange(12))
    assert header.spec.time_step == 0.25
    assert "time" not in header.parameters
    assert "--join sample" in header.notes[-1]
    for start, stop in ((0, 12), (3, 5), (11, 12), (4, 4)):
        np.testing.assert_array_equal(source.read(0, start, stop)[:, 0], VALUES[0, start:stop, 0])
    samples = netcdf(tmp_path, join="sample").header
    assert (len(samples.sample_names), len(samples.times), samples.notes) == (12, 1, ())


@pytest.mark.parametrize("reader", ["netcdf", "hdf5"])
@pytest.mark.parametrize("times", [(0.0, 0.5, 1.0, 1.5), (2.0, 2.0, 2.0, 2.0)])
def test_the_time_of_a_file_may_be_an_attribute(
    tmp_path: Path, reader: str, times: tuple[float, ...]
) -> None:
    for frame, time in enumerate(times):
        data = xr.Dataset({"T": (("y", "x"), np.full((4, 5), frame, "f4"))}, attrs={"time": time})
        data.to_netcdf(tmp_path / f"step_{9 + frame}.nc", engine="h5netcdf")
    dims = ("y", "x") if reader == "hdf5" else ()
    joined = READERS[reader](ReaderOptions(join="time", dims=dims)).open(tmp_path)
    np.testing.assert_array_equal(joined.read(0, 0, 9)[:, 0, 0, 0], range(4))
    found = READERS[reader](ReaderOptions(dims=dims)).open(tmp_path).header
    if len(set(times)) == 1:  # it counts nothing
        np.testing.assert_array_equal(joined.header.times, range(9, 13))
        assert any("no times found: they are the numbers" in note for note in joined.header.notes)
        assert len(found.sample_names) == 4
    else:
        np.testing.assert_array_equal(joined.header.times, times)
        assert "time" not in joined.header.parameters
        np.testing.assert_array_equal(found.times, times)


@pytest.mark.parametrize("reader", ["netcdf", "hdf5", "array"])
@pytest.mark.parametrize("join", ["auto", "time"])
def test_a_dim_of_a_single_time_is_a_time_as_well(
    tmp_path: Path, reader: str, join: Literal["auto", "time"]
) -> None:
    for frame in range(4):
        part, time = VALUES[0, frame : frame + 1, 0], [0.25 * frame]
        path = tmp_path / f"snap_{3 - frame}"  # the names count backwards
        if reader == "array":
            np.savez(path.with_suffix(".npz"), p=part, time=time)
        else:
            data = xr.Dataset({"p": (("time", "y", "x"), part)}, {"time": time})
            data.to_netcdf(path.with_suffix(".nc"), engine="h5netcdf")
    dims = () if reader == "netcdf" else ("time", "y", "x")
    source = READERS[reader](ReaderOptions(dims=dims, join=join)).open(tmp_path)
    np.testing.assert_array_equal(source.header.times, 0.25 * np.arange(4))
    np.testing.assert_array_equal(source.read(0, 0, 4)[:, 0], VALUES[0, :4, 0])
    assert any("--join sample" in note for note in source.header.notes) == (join == "auto")


def test_times_that_say_no_order_are_left_to_the_person(tmp_path: Path) -> None:
    for frame in (0, 1, 2, 7):
        snapshot(tmp_path / f"snap_{frame}.nc", frame)
    assert len(netcdf(tmp_path).header.sample_names) == 4
    with pytest.raises(DataError, match="time"):
        netcdf(tmp_path, join="time")


def test_several_runs_of_a_file_a_time(tmp_path: Path) -> None:
    for sample in range(2):
        for frame in range(12):
            snapshot(tmp_path / f"run{sample}" / f"snap_{frame:02}.nc", frame, sample=sample)
    source = netcdf(tmp_path, join="time")
    assert source.header.sample_names == ("run0", "run1")
    np.testing.assert_array_equal(source.read(1, 4, 9)[:, 0], VALUES[1, 4:9, 0])
    assert NetcdfReader(ReaderOptions(join="time")).find(tmp_path / "run1") == [tmp_path / "run1"]
    config = PrepareConfig(reader="netcdf", source=tmp_path, join="time")
    (row,) = prepare(config).rows
    assert (row.status, row.samples, row.frames) == ("converted", 2, 12)
    assert prepare(config).rows[0].status == "unchanged"


@pytest.mark.parametrize(
    ("units", "scale"),
    [
        (("hours since 2020-01-01", "hours since 2020-01-01"), (1.0, 1.0)),
        (("hours since 2020-01-01", "hours since 2020-01-01T08:00:00"), (1.0, 1.0)),
        (("hours since 2020-01-01", "minutes since 2020-01-01 00:00"), (1.0, 60.0)),
        (("s", "s"), (3600.0, 3600.0)),
    ],
)
def test_pieces_are_counted_by_one_clock(
    tmp_path: Path, units: tuple[str, str], scale: tuple[float, float]
) -> None:
    shift = 8 if "08:00" in units[1] else 0
    piece(tmp_path / "b.nc", range(8), scale[0] * np.arange(8.0), units=units[0])
    piece(tmp_path / "a.nc", range(8, 12), scale[1] * (np.arange(8.0, 12) - shift), units=units[1])
    with pytest.raises(DataError, match="number of frames"):
        NetcdfReader(ReaderOptions(join="sample")).open(tmp_path)
    reader = NetcdfReader(ReaderOptions(join="time"))
    source = reader.open(tmp_path)
    np.testing.assert_array_equal(source.header.times, 3600.0 * np.arange(12))
    assert source.header.units["time"] == "s"
    np.testing.assert_array_equal(source.read(0, 6, 10)[:, 0], VALUES[0, 6:10, 0])


@pytest.mark.parametrize(
    ("unit", "calendar"),
    [("days since 2020-01-03", "noleap"), ("hours since then", "standard"), ("ms", "")],
)
def test_clocks_that_cannot_be_compared_are_refused(
    tmp_path: Path, unit: str, calendar: str
) -> None:
    more = {"calendar": calendar} if calendar else {}
    piece(tmp_path / "a.nc", range(8), np.arange(8.0), units="days since 2020-01-01", **more)
    piece(tmp_path / "b.nc", range(8, 12), np.arange(8.0, 12), units=unit, **more)
    with pytest.raises(DataError, match="since"):
        NetcdfReader(ReaderOptions(join="time")).open(tmp_path)


def test_wrf_writes_a_file_a_time(tmp_path: Path) -> None:
    for frame in range(4):
        date = np.datetime64("2020-02-28T12:00:00") + np.timedelta64(6 * frame, "h")
        stamp = str(date).replace("T", "_")
        letters = np.array([[letter.encode() for letter in stamp]], "S1")
        dims = ("Time", "south_north", "west_east")
        data = xr.Dataset({"T2": (dims, VALUES[0, frame : frame + 1, 0])})
        data["Times"] = (("Time", "DateStrLen"), letters)
        data.to_netcdf(tmp_path / f"wrfout_{frame}.nc", engine="h5netcdf")
    header = NetcdfReader(ReaderOptions(join="time")).open(tmp_path).header
    np.testing.assert_array_equal(header.times, 21600.0 * np.arange(4))
    assert header.units["time"] == "s"


@pytest.mark.parametrize("width", [1, 4])
def test_numbers_in_names_are_times(tmp_path: Path, width: int) -> None:
    for frame in range(12):
        np.save(tmp_path / f"run7_step_{10 * frame:0{width}}.npy", VALUES[0, frame])
    dims = ("field", "y", "x")
    header = arrays(tmp_path, *dims, join="time").header
    np.testing.assert_array_equal(header.times, 10.0 * np.arange(12))
    stepped = arrays(tmp_path, *dims, join="time", time_step=0.5)
    np.testing.assert_array_equal(stepped.header.times, 0.5 * np.arange(12))
    np.testing.assert_array_equal(stepped.read(0, 8, 11), VALUES[0, 8:11])
    notes = arrays(tmp_path, *dims).header.notes
    assert any("12 numbered files of one time each" in note for note in notes)
    assert not any("numbered" in n for n in arrays(tmp_path, *dims, join="sample").header.notes)


def test_pieces_of_arrays_follow_each_other(tmp_path: Path) -> None:
    for number, frames in enumerate((slice(0, 5), slice(5, 10), slice(10, 12))):
        np.save(tmp_path / f"part{number}.npy", VALUES[:, frames])
    dims = ("sample", "time", "field", "y", "x")
    source = ArrayReader(ReaderOptions(dims=dims, join="time", time_step=0.1)).open(tmp_path)
    assert len(source.header.sample_names) == 2
    np.testing.assert_allclose(source.header.times, 0.1 * np.arange(12))
    np.testing.assert_array_equal(source.read(1, 3, 12), VALUES[1, 3:12])


def test_several_runs_of_arrays(tmp_path: Path) -> None:
    for sample in range(2):
        (tmp_path / f"run{sample}").mkdir()
        for frame in range(12):
            np.save(tmp_path / f"run{sample}/{frame}.npy", VALUES[sample, frame])
    source = arrays(tmp_path, "field", "y", "x", join="time")
    assert source.header.sample_names == ("run0", "run1")
    np.testing.assert_array_equal(source.read(1, 8, 11), VALUES[1, 8:11])


def test_npz_files_of_one_structure_are_joined(tmp_path: Path) -> None:
    for sample in range(2):
        rho, u = VALUES[sample, :, 0], VALUES[sample, :, 1]
        np.savez(tmp_path / f"lbm_{sample}.npz", rho=rho, u=u, tau=np.array(0.6))
    dims = ("time", "y", "x")
    assert ArrayReader(ReaderOptions(dims=dims)).find(tmp_path) == [tmp_path]
    source = arrays(tmp_path, *dims)
    assert source.header.sample_names == ("lbm_0", "lbm_1")
    assert source.header.spec.names == ("rho", "u")
    assert source.header.parameters["tau"].tolist() == [0.6, 0.6]
    np.testing.assert_array_equal(source.read(1, 2, 5), VALUES[1, 2:5])
    (tmp_path / "steps").mkdir()
    for frame in range(12):
        np.savez(tmp_path / "steps" / f"step_{frame}.npz", rho=VALUES[0, frame, 0])
    steps = arrays(tmp_path / "steps", "y", "x", join="time")
    np.testing.assert_array_equal(steps.read(0, 8, 12)[:, 0], VALUES[0, 8:, 0])


@pytest.mark.parametrize("names", [("a", "b", "c"), ("x1y2", "x2y3"), ("a1", "b2"), ("1", "01")])
def test_names_that_do_not_count_are_refused(tmp_path: Path, names: tuple[str, ...]) -> None:
    for frame, name in enumerate(names):
        np.save(tmp_path / f"{name}.npy", VALUES[0, frame])
    with pytest.raises(ConfigError, match="have not one number each"):
        arrays(tmp_path, "field", "y", "x", join="time")


def test_a_step_beside_times_is_refused(tmp_path: Path) -> None:
    for frame in range(4):
        snapshot(tmp_path / f"snap_{frame}.nc", frame)
    with pytest.raises(ConfigError, match="the source has times"):
        netcdf(tmp_path, join="time", time_step=0.5)
    with pytest.raises(ConfigError, match="takes no --join field"):
        netcdf(tmp_path, join="field")
