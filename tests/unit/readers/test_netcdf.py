"""NetCDF: the values of xarray, whatever the file calls its dims."""

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from matey_core.errors import ConfigError, DataError
from matey_core.readers import ReaderOptions, Source
from matey_core.readers.netcdf import NetcdfReader
from tests.conftest import SHARED

RNG = np.random.default_rng(0)
U = RNG.normal(size=(2, 3, 4, 5)).astype(np.float32)
DIMS = ("sample", "time", "y", "x")


def shared(name: str) -> Path:
    folder = SHARED / "data" / name
    if not folder.exists():
        pytest.skip(f"needs {folder}, which is not part of the repository")
    return folder


def opened(path: Path, **options: Any) -> Source:
    """Open, and send to another process and back."""
    return pickle.loads(pickle.dumps(NetcdfReader(ReaderOptions(**options)).open(path)))


def written(path: Path, data: xr.Dataset, *, engine: str = "h5netcdf") -> Path:
    data.to_netcdf(path, engine=engine)  # type: ignore[call-overload]
    return path


def dataset(dims: tuple[str, ...] = DIMS, **variables: Any) -> xr.Dataset:
    return xr.Dataset({"u": (dims, U), **variables})


def test_thermals_are_those_of_xarray() -> None:
    folder = shared("thermals")
    source = opened(
        folder,
        derive=("theta = theta + hy_theta", "dens = dens + hy_dens"),
        boundary=("x=periodic", "z=no_slip"),
        directed=("z",),
    )
    header = source.header
    assert header.spec.names == ("dens", "uwnd", "wwnd", "theta")
    assert [field.component for field in header.spec.fields] == [(), ("x",), ("z",), ()]
    assert header.spec.fields[3].unit == "K"
    assert (header.spec.grid.axes, header.spec.grid.shape) == (("z", "x"), (64, 128))
    assert header.spec.grid.spacing == (156.25, 156.25)
    assert header.spec.grid.boundary == ("no_slip", "periodic")
    assert header.directed == ("z",)
    assert header.units == {"z": "m", "x": "m", "time": "s"}
    assert header.dtype == np.float32
    assert header.spec.time_step == pytest.approx(20)
    assert header.sample_names == tuple(f"thermals_{index:03d}" for index in range(11))
    for sample, path in enumerate(sorted(folder.glob("*.nc"))):
        with xr.open_dataset(path, engine="h5netcdf") as data:
            assert header.parameters["radius_m_1"][sample] == data.attrs["radius_m_1"]
            np.testing.assert_array_equal(header.times, data["t"])
            whole = {
                "dens": (data["dens"] + data["hy_dens"]).astype(np.float32),
                "uwnd": data["uwnd"],
                "wwnd": data["wwnd"],
                "theta": (data["theta"] + data["hy_theta"]).astype(np.float32),
            }
            expected = np.stack([whole[name].transpose("t", "z", "x") for name in whole], axis=1)
        np.testing.assert_array_equal(source.read(sample, 0, 31), expected)
        np.testing.assert_array_equal(source.read(sample, 7, 9), expected[7:9])


def test_miniweather_is_that_of_xarray() -> None:
    folder = shared("miniweather")
    source = opened(folder, spacing=(200.0,), fields=("theta", "uwnd=velocity_x"))
    assert source.header.spec.grid.spacing == (200, 200)
    assert source.header.spec.names == ("theta", "velocity_x")
    assert source.header.dtype == np.float64
    for sample, path in enumerate(sorted(folder.glob("*.nc"))):
        with xr.open_dataset(path, engine="scipy") as data:
            expected = np.stack([data["theta"], data["uwnd"]], axis=1)
        np.testing.assert_array_equal(source.read(sample, 0, 5), expected)


@pytest.mark.parametrize("engine", ["scipy", "h5netcdf"])
def test_samples_are_a_dim(tmp_path: Path, engine: str) -> None:
    data = dataset(
        ("run", "time", "lat", "lon"),
        nu=("run", np.array([0.1, 0.2])),
        mass=(("run", "time"), U[:, :, 0, 0]),
        orography=(("lon", "lat"), U[0, 0].T),
        count=(("run", "time", "lat", "lon"), np.ones(U.shape, np.int32)),
    ).assign_coords(run=["cold", "hot"])
    data.attrs.update(gravity=9.81, title="waves", levels=[1, 2])
    source = opened(written(tmp_path / "a.nc", data, engine=engine))
    assert source.header.sample_names == ("cold", "hot")
    assert source.header.spec.names == ("u",)
    assert source.header.spec.grid.axes == ("y", "x")
    assert [field.name for field in source.header.static_fields] == ["orography"]
    assert source.header.parameters.keys() == {"nu", "gravity"}
    np.testing.assert_array_equal(source.header.parameters["nu"], [0.1, 0.2])
    np.testing.assert_array_equal(source.read(1, 1, 3), U[1, 1:3, None])
    np.testing.assert_array_equal(source.read_static(0), U[0, 0][None])


def test_attributes_and_options_tell_what_dims_are(tmp_path: Path) -> None:
    data = dataset(("case", "n", "j", "i")).assign_coords(
        n=("n", [0, 6, 12], {"units": "hours since 2000-01-01"}),
        j=("j", [9.0, 6.0, 3.0, 0.0], {"standard_name": "latitude", "units": "degrees_north"}),
        i=("i", np.arange(5.0), {"axis": "X"}),
    )
    path = written(tmp_path / "a.nc", data)
    source = opened(path, dims=("sample=case",), boundary=("periodic",))
    assert source.header.spec.grid.axes == ("y", "x")
    assert source.header.spec.grid.boundary == ("periodic", "periodic")
    assert source.header.units == {"time": "s", "y": "degrees_north"}
    np.testing.assert_array_equal(source.header.times, [0, 21600, 43200])
    # An axis that runs backwards is turned round, with its values.
    np.testing.assert_array_equal(source.header.coordinates["y"], [0, 3, 6, 9])
    np.testing.assert_array_equal(source.read(1, 0, 3)[:, 0], U[1, :, ::-1])
    renamed = opened(path, dims=("sample=case", "time=n", "z=j", "i"))
    assert renamed.header.spec.grid.axes == ("z", "i")


def test_single_levels_are_no_axis(tmp_path: Path) -> None:
    data = xr.Dataset({"u": (("time", "lev", "y", "x"), U[:1].swapaxes(0, 1))})
    source = opened(written(tmp_path / "a.nc", data))
    assert source.header.spec.grid.axes == ("y", "x")
    np.testing.assert_array_equal(source.read(0, 0, 3)[:, 0], U[0])


def test_missing_and_packed_values_are_decoded(tmp_path: Path) -> None:
    values = U[0].copy()
    values[1, 2, 3] = np.nan
    data = xr.Dataset({"u": (DIMS[1:], values), "v": (DIMS[1:], values.astype(np.float64))})
    encoding = {
        "u": {"_FillValue": np.float32(-999)},
        "v": {"dtype": "i2", "scale_factor": 0.01, "add_offset": 1.0, "_FillValue": -32768},
    }
    data.to_netcdf(tmp_path / "a.nc", engine="h5netcdf", encoding=encoding)
    source = opened(tmp_path / "a.nc")
    with xr.open_dataset(tmp_path / "a.nc") as decoded:
        expected = np.stack([decoded["u"], decoded["v"]], axis=1)
    np.testing.assert_array_equal(source.read(0, 0, 3), expected)
    assert np.isnan(source.read(0, 1, 2)[0, :, 2, 3]).all()


def test_without_times_a_problem_is_static(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nc", xr.Dataset({"u": (("sample", "y", "x"), U[:, 0])}))
    source = opened(path)
    assert len(source.header.times) == 1
    np.testing.assert_array_equal(source.read(1, 0, 1), U[1, 0][None, None])


def test_new_fields_take_the_type_of_what_they_are_made_of(tmp_path: Path) -> None:
    data = dataset(column=("y", np.arange(4.0)))
    path = written(tmp_path / "a.nc", data)
    source = opened(path, derive=("speed = abs(u) * 2 + column",), fields=("speed=s", "u"))
    assert source.header.spec.names == ("s", "u")
    expected = (np.abs(U[0]) * 2 + np.arange(4.0)[:, None]).astype(np.float32)
    np.testing.assert_array_equal(source.read(0, 0, 3)[:, 0], expected)
    both = opened(path, derive=("speed = u + column",), conserved=("u",))
    assert both.header.spec.names == ("u", "speed")
    assert both.header.conserved == ("u",)


def test_lists_of_times_and_spacings_are_for_files_without(tmp_path: Path) -> None:
    path = written(tmp_path / "a.nc", dataset())
    source = opened(path, time_step=0.25, spacing=(2.0, 3.0))
    np.testing.assert_array_equal(source.header.times, [0, 0.25, 0.5])
    assert source.header.spec.grid.spacing == (2, 3)
    coordinates = {"time": np.arange(3.0), "y": np.arange(4.0), "x": np.arange(5.0)}
    path = written(tmp_path / "b.nc", dataset().assign_coords(coordinates))
    for options in ({"time_step": 0.25}, {"spacing": (1.0,)}):
        with pytest.raises(ConfigError, match="but the source has"):
            opened(path, **options)


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"dims": ("sample=run",)}, "no dim run"),
        ({"dims": ("sample=",)}, "'sample='"),
        ({"dims": ("x=time", "x=y")}, "twice"),
        ({"dims": ("field=y",), "fields": ("a",)}, "4 fields along y; --fields names 1"),
        ({"fields": ("w",)}, "--fields names w; there are u"),
        ({"fields": ("u", "column")}, r"column has dims \(y\)"),
        ({"fields": ("u", "u=v")}, "u twice"),
        ({"fields": ("u=time",)}, "cannot be the name"),
        ({"fields": ("u=a/b",)}, "cannot be the name"),
        ({"derive": ("u = u + w",)}, "--derive names w"),
        ({"derive": ("u = column",)}, "--derive u"),
        ({"derive": ("u = u", "u = u + u")}, "twice"),
        ({"boundary": ("wall",)}, "--boundary wall"),
        ({"boundary": ("q=periodic",)}, "axes are y, x"),
        ({"boundary": ("x=moebius",)}, "boundaries periodic"),
        ({"spacing": (1.0, 2.0, 3.0)}, "--spacing 1,2,3"),
        ({"spacing": (-1.0,)}, "--spacing -1"),
        ({"time_step": 0.0}, "--time-step 0"),
        ({"directed": ("q",)}, "--directed names q"),
        ({"conserved": ("q",)}, "--conserved names q"),
    ],
)
def test_options_that_do_not_fit_are_named(
    tmp_path: Path, options: dict[str, Any], named: str
) -> None:
    path = written(tmp_path / "a.nc", dataset(column=("y", np.arange(4.0))))
    with pytest.raises((ConfigError, DataError), match=named) as caught:
        opened(path, **options)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("data", "named"),
    [
        (xr.Dataset(), "no variable"),
        (xr.Dataset({"n": (DIMS, U.astype(int))}), "no variable"),
        (xr.Dataset({"u": (("a", "b"), U[0, 0])}), "Unknown: a, b"),
        (xr.Dataset({"u": (DIMS, U[:0])}), "no values"),
        (xr.Dataset({"u": (DIMS, U[:, :0])}), "no values"),
        (dataset().assign_coords(time=[0.0, 2.0, 1.0]), "does not increase"),
        (dataset().assign_coords(time=[0.0, 1.0, np.nan]), "does not increase"),
        (dataset().assign_coords(time=[0.0, 1.0, np.inf]), "does not increase"),
        (dataset().assign_coords(x=[0.0, 1, 2, 3, 9]), "unevenly spaced"),
        (dataset().assign_coords(time=["a", "b", "c"]), "not numbers"),
        (
            dataset().assign_coords(time=("time", [0, 1, 2], {"units": "months since 2000-01-01"})),
            "no fixed length",
        ),
        (xr.Dataset({"u": (("t", "time", "y", "x"), U)}), "t, time all look like time"),
    ],
)
def test_files_that_are_no_trajectories_are_refused(
    tmp_path: Path, data: xr.Dataset, named: str
) -> None:
    with pytest.raises(DataError, match=named):
        opened(written(tmp_path / "a.nc", data))


@pytest.mark.parametrize(
    ("dims", "proposed"),
    [
        (("zeit", "lev", "breite"), "time=zeit,z=lev,x=breite"),
        (("time", "rows", "columns"), "time=time,y=rows,x=columns"),
        (("a", "b", "c", "d"), "time=a,z=b,y=c,x=d"),
        (("a", "b", "c", "d", "e"), "sample=a,time=b,z=c,y=d,x=e"),
    ],
)
def test_dims_that_tell_nothing_get_a_proposal(
    tmp_path: Path, dims: tuple[str, ...], proposed: str
) -> None:
    shape = tuple(range(3, 3 + len(dims)))
    path = written(tmp_path / "a.nc", xr.Dataset({"u": (dims, np.ones(shape, "f4"))}))
    with pytest.raises(DataError) as caught:
        opened(path)
    assert caught.value.remedy.endswith(f"prepare netcdf {tmp_path} --dims {proposed}")
