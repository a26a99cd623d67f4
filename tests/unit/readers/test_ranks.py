"""Arrays of different rank in one file: vectors along a dim, static fields, parameters."""

import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from matey_core.errors import ConfigError, DataError
from matey_core.readers import ReaderOptions, Source
from matey_core.readers.array import ArrayReader
from matey_core.readers.hdf5.contents import contents_of
from matey_core.readers.netcdf import NetcdfReader

RANDOM = np.random.default_rng(0)
RHO = RANDOM.normal(size=(9, 20, 40)).astype(np.float32)
VELOCITY = RANDOM.normal(size=(9, 20, 40, 2)).astype(np.float32)
SOLID = RANDOM.random((20, 40)) < 0.2


def arrays(path: Path, *dims: str, component_dim: str = "") -> Source:
    reader = ArrayReader(ReaderOptions(dims=dims, component_dim=component_dim))
    (found,) = reader.find(path)
    return pickle.loads(pickle.dumps(reader.open(found)))


def names(source: Source) -> list[str]:
    return [field.name for field in source.header.spec.fields]


def static_names(source: Source) -> list[str]:
    return [field.name for field in source.header.static_fields]


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_lattice_boltzmann_runs_are_one_source(tmp_path: Path, save: object) -> None:
    for run in range(3):
        save(tmp_path / f"lbm_{run}.npz", rho=RHO + run, u=VELOCITY, obstacle=SOLID, tau=0.6)
    source = arrays(tmp_path, "time", "y", "x", "c", component_dim="c")
    assert source.header.sample_names == ("lbm_0", "lbm_1", "lbm_2")
    assert names(source) == ["rho", "u_x", "u_y"]
    assert [field.component for field in source.header.spec.fields] == [(), ("x",), ("y",)]
    assert source.header.parameters["tau"].tolist() == [0.6] * 3
    expected = np.stack([RHO + 2, VELOCITY[..., 0], VELOCITY[..., 1]], axis=1)
    np.testing.assert_array_equal(source.read(2, 3, 7), expected[3:7])
    assert static_names(source) == ["obstacle"]
    np.testing.assert_array_equal(source.read_static(1)[0], SOLID.astype(np.float32))


@pytest.mark.parametrize(
    ("shape", "beside", "attributes", "words"),
    [
        ((5, 6), {}, {"time": True}, ". --fields p --dims y,x --join time"),
        ((5, 6), {"t": ()}, {}, ". --fields p --dims y,x --join time"),
        ((5, 6), {}, {}, ". --fields p --dims y,x --join time"),
        ((1, 5, 6), {"t": (1,)}, {}, ". --fields p --dims time,y,x --join time"),
        ((7, 5, 6), {"t": ()}, {}, ". --fields p --dims z,y,x --join time"),
        ((7, 5, 6), {}, {}, ". --fields p --dims time,y,x"),
    ],
)
def test_a_folder_is_proposed_where_its_files_are_alike(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    shape: tuple[int, ...],
    beside: dict[str, tuple[int, ...]],
    attributes: dict[str, bool],
    words: str,
) -> None:
    for number in range(3):
        with h5py.File(tmp_path / f"out_{number}.h5", "w") as file:
            file["p"] = np.ones(shape, np.float32)
            for name, size in beside.items():
                file[name] = np.full(size, 0.5 * number)
            for name in attributes:
                file.attrs[name] = 0.5 * number
    monkeypatch.chdir(tmp_path)
    command = " ".join(contents_of(Path("out_1.h5")).command)
    assert command == f"prepare hdf5 {words}"
    with h5py.File("out_2.h5", "a") as file:
        file["more"] = 1.0
    assert contents_of(Path("out_1.h5")).command[2] == "out_1.h5"


def test_a_vector_is_proposed(tmp_path: Path) -> None:
    np.savez(tmp_path / "run.npz", rho=RHO, u=VELOCITY)
    source = arrays(tmp_path, "t", "y", "x")
    assert names(source) == ["rho"]
    assert "--dims t,y,x,component --component-dim component reads" in source.header.notes[0]
    said = arrays(tmp_path, "t", "y", "x", "component", component_dim="component")
    assert names(said) == ["rho", "u_x", "u_y"]


@pytest.mark.parametrize(
    ("shape", "dims", "expected"),
    [
        ((6, 20, 40), ("sample", "time", "y", "x"), "static"),
        ((9, 20, 40), ("sample", "time", "y", "x"), "changing"),
        ((20, 40), ("sample", "time", "y", "x"), "static"),
        ((6,), ("sample", "time", "y", "x"), "parameter"),
        ((40, 20), ("sample", "time", "y", "x"), "left out"),
        ((9,), ("sample", "time", "y", "x"), "left out"),
    ],
)
def test_sizes_tell_which_dims_an_array_has(
    tmp_path: Path, shape: tuple[int, ...], dims: tuple[str, ...], expected: str
) -> None:
    np.savez(tmp_path / "a.npz", p=np.zeros((6, 9, 20, 40)), other=RANDOM.normal(size=shape))
    source = arrays(tmp_path, *dims)
    where = {
        "static": static_names(source),
        "changing": names(source),
        "parameter": [*source.header.parameters],
        "left out": [word for note in source.header.notes for word in note.split()],
    }
    assert [place for place, found in where.items() if "other" in found] == [expected]


def test_equal_sizes_leave_it_open(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", p=np.zeros((6, 6, 20, 40)), other=np.zeros((6, 20, 40)))
    source = arrays(tmp_path, "sample", "time", "y", "x")
    assert static_names(source) == []
    assert "other (6, 20, 40) float64" in source.header.notes[0]


def test_vectors_of_netcdf_lie_on_the_axes_of_the_grid(tmp_path: Path) -> None:
    data = {
        "T": (("time", "z", "x"), RHO),
        "wind": (("time", "z", "x", "axis"), VELOCITY),
        "force": (("z", "x", "axis"), VELOCITY[0]),
    }
    xr.Dataset(data, {"axis": [0, 1]}).to_netcdf(tmp_path / "a.nc", engine="h5netcdf")
    plain = NetcdfReader().open(tmp_path / "a.nc")
    assert "(--component-dim axis reads the components of a vector)" in "".join(plain.header.notes)
    source = NetcdfReader(ReaderOptions(component_dim="axis")).open(tmp_path / "a.nc")
    assert names(source) == ["T", "wind_x", "wind_z"]
    assert static_names(source) == ["force_x", "force_z"]
    np.testing.assert_array_equal(source.read(0, 2, 4)[:, 2], VELOCITY[2:4, ..., 1])
    np.testing.assert_array_equal(source.read_static(0), np.moveaxis(VELOCITY[0], -1, 0))


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"component_dim": "k"}, ConfigError, "has no dim k"),
        ({"dims": ("t", "y", "x", "k"), "component_dim": "k"}, ConfigError, "has 5 points"),
        ({"dims": ("t", "y", "x", "field"), "component_dim": "t"}, ConfigError, "has 9 points"),
    ],
)
def test_what_cannot_be_components(
    tmp_path: Path, options: dict[str, object], error: type[Exception], says: str
) -> None:
    np.save(tmp_path / "a.npy", np.zeros((9, 20, 40, 5)))
    dims = {"dims": ("t", "y", "x", "field=c"), **options}
    with pytest.raises(error, match=says):
        ArrayReader(ReaderOptions(**dims)).open(tmp_path / "a.npy")


def test_a_component_takes_no_name_of_another_variable(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", u_x=RHO, u=VELOCITY)
    with pytest.raises(DataError, match="u_x beside the components of u"):
        arrays(tmp_path, "time", "y", "x", "c", component_dim="c")


@pytest.mark.parametrize(
    "files",
    [("u", "v"), ("a",), ("train", "test", "plain.npy")],
    ids=["fields", "alone", "beside npy"],
)
def test_npz_files_that_stay_by_themselves(tmp_path: Path, files: tuple[str, ...]) -> None:
    for name in files:
        if name.endswith(".npy"):
            np.save(tmp_path / name, RHO)
        else:
            np.savez(tmp_path / f"{name}.npz", RHO)
    found = ArrayReader(ReaderOptions(dims=("time", "y", "x"))).find(tmp_path)
    packed = [path for path in found if path.suffix == ".npz"]
    assert [path.stem for path in packed] == sorted(n for n in files if "." not in n)
