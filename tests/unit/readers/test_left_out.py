"""Whatever a reader leaves out is listed, with the reason."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from matey_core.errors import MateyError
from matey_core.readers import READERS, ReaderOptions
from matey_core.readers.array import ArrayReader
from matey_core.readers.netcdf import NetcdfReader
from matey_core.store import open_store
from matey_core.workflows.data_inspect import inspect_data
from matey_core.workflows.prepare import PrepareConfig, prepare
from tests.support import tiny_source
from tests.support_well import well_file

FIELD = (("time", "y", "x"), np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32))
COORDINATES = {"time": np.arange(4.0), "y": np.arange(5.0), "x": np.arange(6.0)}


def notes(reader: str, path: Path, **options: tuple[str, ...]) -> str:
    return "; ".join(READERS[reader](ReaderOptions(**options)).open(path).header.notes)


def netcdf(path: Path, **variables: tuple[tuple[str, ...], np.ndarray]) -> Path:
    xr.Dataset({"p": FIELD, **variables}, COORDINATES).to_netcdf(path, engine="h5netcdf")
    return path


@pytest.mark.parametrize(
    ("dims", "dtype", "reason"),
    [
        (("time", "band", "y", "x"), "f4", "on (time, band, y, x), with other dims"),
        (("time", "y", "x_staggered"), "f4", "on (time, y, x_staggered), without x"),
        (("time", "y"), "f8", "on (time, y), without x"),
        (("y",), "f8", "on (y), without x"),
        (("time", "y", "x"), "i4", "of type int32"),
        (("time",), "S3", "of type"),
        (("time",), "f8", "on (time), without y, x"),
    ],
)
def test_variables_of_netcdf(
    tmp_path: Path, dims: tuple[str, ...], dtype: str, reason: str
) -> None:
    sizes = {"time": 4, "y": 5, "x": 6, "band": 3, "x_staggered": 7}
    values = np.ones([sizes[dim] for dim in dims]).astype(dtype)
    path = netcdf(tmp_path / "a.nc", other=(dims, values))
    assert f"left out: other {reason}" in notes("netcdf", path)
    row = prepare(PrepareConfig(reader="netcdf", source=path, dry_run=True)).rows[0]
    assert reason in row.note
    (item,) = inspect_data(path).items
    assert any(reason in note for note in item.notes)


def test_what_is_read_or_was_not_asked_for_is_not_listed(tmp_path: Path) -> None:
    whole = netcdf(tmp_path / "a.nc")
    assert notes("netcdf", whole) == ""
    column = netcdf(tmp_path / "b.nc", background=(("y",), np.ones(5)), nu=((), np.array(0.5)))
    assert "background" in notes("netcdf", column)
    assert "nu" not in notes("netcdf", column)
    assert notes("netcdf", column, derive=("p = p + background",)) == ""
    assert notes("netcdf", column, fields=("p",)) == ""


@pytest.mark.parametrize("name", ["a" * 201, "a/b"])
def test_parameters_that_no_store_can_have(tmp_path: Path, name: str) -> None:
    path = tmp_path / "run.npz"
    np.savez(path, p=FIELD[1], **{name: np.array(0.5), "nu": np.array(0.1)})
    dims = ("time", "y", "x")
    assert f"{name} whose name cannot be that of a parameter" in notes("array", path, dims=dims)
    config = PrepareConfig(reader="array", source=path, dims=dims)
    assert prepare(config).rows[0].status == "converted"
    assert list(open_store(tmp_path / "zarr" / "run.zarr").parameters) == ["nu"]


def test_groups_of_netcdf(tmp_path: Path) -> None:
    path = netcdf(tmp_path / "a.nc")
    xr.Dataset({"q": FIELD}, COORDINATES).to_netcdf(
        path, mode="a", group="forecast", engine="h5netcdf"
    )
    assert "what lies in the groups forecast" in notes("netcdf", path)


def test_files_of_a_folder_say_it_once(tmp_path: Path) -> None:
    for name in "ab":
        netcdf(tmp_path / f"{name}.nc", level=(("y",), np.ones(5)))
    assert notes("netcdf", tmp_path).count("left out") == 1


def test_members_of_npz(tmp_path: Path) -> None:
    path = tmp_path / "run.npz"
    arrays = {"u": np.ones((4, 5, 6, 9)), "solid": np.ones((6, 5), bool), "nu": np.array(0.1)}
    np.savez(path, rho=FIELD[1], **arrays)
    found = notes("array", path, dims=("time", "y", "x"))
    assert "u (4, 5, 6, 9) float64, solid (6, 5) bool, not numbers on time, y, x" in found
    assert "nu (" not in found
    assert "rho" not in found


def test_arrays_and_groups_of_zarr(tmp_path: Path) -> None:
    path = tmp_path / "runs.zarr"
    band = (("time", "band", "y", "x"), np.ones((4, 3, 5, 6)))
    xr.Dataset({"p": FIELD, "q": band}, COORDINATES).to_zarr(path, consolidated=False)
    xr.Dataset({"r": FIELD}, COORDINATES).to_zarr(path, group="more", consolidated=False)
    found = notes("array", path, dims=("time", "y", "x"))
    assert "q on (time, band, y, x)" in found
    assert "what lies in the groups more" in found


def test_arrays_of_pdebench(tmp_path: Path) -> None:
    stacked = tiny_source(tmp_path / "flow_periodic.hdf5")
    grouped = tiny_source(tmp_path / "react.h5", fields=("activator", "inhibitor"))
    assert notes("pdebench", stacked) == notes("pdebench", grouped) == ""
    with h5py.File(stacked, "a") as file:
        file["temperature"] = np.ones((6, 12, 16, 16), np.float32)
    with h5py.File(grouped, "a") as file:
        file["0000/mask"] = np.ones((16, 16))
    assert "temperature, which the layout" in notes("pdebench", stacked)
    assert "0000/mask, which the layout" in notes("pdebench", grouped)


def test_arrays_of_the_well(tmp_path: Path) -> None:
    path = well_file(tmp_path / "flow.hdf5")
    assert notes("the_well", path) == "left out: scalars/energy, which the layout has no place for"
    with h5py.File(path, "a") as file:
        file["t0_fields/unlisted"] = np.ones((2, 5, 8, 6), np.float32)
    assert "t0_fields/unlisted, which the layout" in notes("the_well", path)


def test_times_that_are_written_out_are_read(tmp_path: Path) -> None:
    """WRF has its times as characters."""
    stamps = [f"2020-06-01_{3 * hour:02d}:00:00" for hour in range(8)]
    letters = np.array([[letter.encode() for letter in stamp] for stamp in stamps], "S1")
    values = np.random.default_rng(0).normal(size=(8, 5, 6)).astype(np.float32)
    data = xr.Dataset({"T2": (("Time", "south_north", "west_east"), values)})
    data.attrs.update(DX=np.float32(12000), DY=np.float32(9000))
    data.assign(Times=(("Time", "DateStrLen"), letters)).to_netcdf(
        tmp_path / "wrf.nc", engine="h5netcdf"
    )
    header = NetcdfReader().open(tmp_path / "wrf.nc").header
    assert (header.spec.time_step, header.units["time"]) == (10800.0, "s")
    assert header.spec.grid.spacing == (9000.0, 12000.0)
    assert header.notes == (
        "steps of 9000 along y, from the attribute DY",
        "steps of 12000 along x, from the attribute DX",
    )
    header = NetcdfReader(ReaderOptions(spacing=(2.0,))).open(tmp_path / "wrf.nc").header
    assert header.spec.grid.spacing == (2.0, 2.0)


def test_steps_that_attributes_tell_are_used_and_said(tmp_path: Path) -> None:
    data = xr.Dataset({"p": FIELD}, attrs={"dt": 0.25, "dx": np.float32(0.5), "y_spacing": 2})
    for number in range(3):
        data.to_netcdf(tmp_path / f"part{number}.nc", engine="h5netcdf")
    header = NetcdfReader().open(tmp_path / "part0.nc").header
    assert (header.spec.time_step, header.spec.grid.spacing) == (0.25, (2.0, 0.5))
    assert header.notes == (
        "steps of 0.25 along time, from the attribute dt",
        "steps of 2 along y, from the attribute y_spacing",
        "steps of 0.5 along x, from the attribute dx",
    )
    times = NetcdfReader(ReaderOptions(join="time")).open(tmp_path).header.times
    np.testing.assert_array_equal(times, 0.25 * np.arange(len(times)))
    assert len(times) == 3 * len(header.times)
    said = NetcdfReader(ReaderOptions(time_step=3.0, spacing=(4.0,))).open(tmp_path).header
    assert (said.spec.time_step, said.spec.grid.spacing, said.notes) == (3.0, (4.0, 4.0), ())


def test_a_file_without_times_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.nc"
    xr.Dataset({"p": FIELD}).to_netcdf(path, engine="h5netcdf")
    assert "no times found: steps of 1" in notes("netcdf", path)
    assert "no positions found along y, x: points are 1 apart" in notes("netcdf", path)
    header = NetcdfReader(ReaderOptions(time_step=0.5, spacing=(0.1,))).open(path).header
    assert header.notes == ()
    np.save(tmp_path / "a.npy", FIELD[1])
    assert (
        ArrayReader(ReaderOptions(dims=("time", "y", "x"))).open(tmp_path / "a.npy").header.notes
        == ()
    )
    with pytest.raises(MateyError, match="does not say what its dims are"):
        ArrayReader().open(tmp_path / "a.npy")
