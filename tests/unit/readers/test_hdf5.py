"""HDF5 of any layout: what is said of it, what it tells itself, and the values it gives."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from matey_core.errors import ConfigError, DataError
from matey_core.readers import READERS, ReaderOptions, Source
from tests.support_well import wave


def opened(path: Path, **said: Any) -> Source:
    return READERS["hdf5"](ReaderOptions(**said)).open(path)


def write(path: Path, arrays: dict[str, Any], **attributes: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, values in arrays.items():
            file[name] = values
        file.attrs.update(attributes)
    return path


U = wave(3, 4, 5, 6)
DIMS = ("sample", "time", "y", "x")


def split(array: np.ndarray, *axes: int) -> np.ndarray:
    return np.ascontiguousarray(array.transpose(axes))


TABLE: dict[str, tuple[dict[str, Any], dict[str, Any], tuple[str, ...], tuple[str, ...]]] = {
    "root": ({"u": U}, {"dims": DIMS}, ("u",), ("y", "x")),
    "name=path": (
        {"a/b/data": U},
        {"dims": DIMS, "fields": ("u=a/b/data",)},
        ("u",),
        ("y", "x"),
    ),
    "path=name": ({"h": U}, {"dims": DIMS, "fields": ("h=height",)}, ("height",), ("y", "x")),
    "end of a path": ({"a/b/u": U}, {"dims": DIMS, "fields": ("u",)}, ("u",), ("y", "x")),
    "a name that is odd": (
        {"p,q ☃": U},
        {"dims": DIMS},
        ("p,q ☃",),
        ("y", "x"),
    ),
    "other words": ({"u": U}, {"dims": ("N", "T", "H", "W")}, ("u",), ("y", "x")),
    "axes of their own": (
        {"u": U},
        {"dims": ("run", "t", "theta=theta", "r=r")},
        ("u",),
        ("theta", "r"),
    ),
    "sample last": (
        {"u": split(U, 1, 2, 3, 0)},
        {"dims": ("time", "y", "x", "sample")},
        ("u",),
        ("y", "x"),
    ),
    "components last": (
        {"velocity": np.stack([U, -U], -1)},
        {"dims": (*DIMS, "field")},
        ("velocity_x", "velocity_y"),
        ("y", "x"),
    ),
    "components in the middle": (
        {"q": np.stack([U, -U], 2)},
        {"dims": ("sample", "time", "c", "y", "x"), "component_dim": "c"},
        ("q_x", "q_y"),
        ("y", "x"),
    ),
    "names along a dim of fields": (
        {"data": np.stack([U, -U], -1)},
        {"dims": (*DIMS, "field"), "fields": ("rho", "p")},
        ("rho", "p"),
        ("y", "x"),
    ),
    "numbers along a dim of fields": (
        {"data": np.stack([U, -U], -1)},
        {"dims": (*DIMS, "field")},
        ("data0", "data1"),
        ("y", "x"),
    ),
    "a group a sample": (
        {f"run{k}/out/u": U[k] for k in range(3)},
        {"dims": DIMS, "fields": ("u=*/out/u",)},
        ("u",),
        ("y", "x"),
    ),
    "a part of a group's name": (
        {f"run{k}/u": U[k] for k in range(3)} | {"info/u": U[0]},
        {"dims": DIMS, "fields": ("u=run*/u",)},
        ("u",),
        ("y", "x"),
    ),
    "an array a time": (
        {f"u_{k}": split(U, 1, 0, 2, 3)[k] for k in range(4)},
        {"dims": ("time", "sample", "y", "x"), "fields": ("u=u_*",), "time_step": 1.0},
        ("u",),
        ("y", "x"),
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_layouts(case: str, tmp_path: Path) -> None:
    arrays, said, names, axes = TABLE[case]
    source = opened(write(tmp_path / "a.h5", arrays), **said)
    header = source.header
    assert header.spec.names == names
    assert header.spec.grid.axes == axes
    assert (len(header.sample_names), len(header.times), header.spec.grid.shape) == (3, 4, (5, 6))
    for sample in range(3):
        values = source.read(sample, 1, 4)
        np.testing.assert_array_equal(values[:, 0], U[sample, 1:])
        if len(names) == 2:
            np.testing.assert_array_equal(values[:, 1], -U[sample, 1:])


STORAGE: dict[str, dict[str, Any]] = {
    "contiguous": {},
    "chunked": {"chunks": (1, 2, 5, 3)},
    "gzip": {"compression": "gzip", "shuffle": True},
    "lzf": {"compression": "lzf"},
    "fletcher32": {"fletcher32": True},
}


@pytest.mark.parametrize("dtype", ["<f4", ">f4", "<f8", ">f8", "<f2"])
@pytest.mark.parametrize("storage", STORAGE)
def test_types_and_storage(dtype: str, storage: str, tmp_path: Path) -> None:
    values = U.astype(dtype)
    with h5py.File(tmp_path / "a", "w") as file:
        file.create_dataset("u", data=values, **STORAGE[storage])
        file.create_dataset("velocity", data=np.stack([values] * 2, -1))
    source = opened(tmp_path / "a", dims=(*DIMS, "field"))
    assert source.header.dtype == np.dtype(dtype).newbyteorder("<")
    assert source.header.spec.names == ("u", "velocity_x", "velocity_y")
    expected = np.stack([values[2, :2]] * 3, 1)
    np.testing.assert_array_equal(source.read(2, 0, 2), expected.astype(source.header.dtype))


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_ranks(rank: int, tmp_path: Path) -> None:
    values = wave(3, 4, *range(5, 5 + rank))
    axes = ("z", "y", "x")[-rank:]
    write(tmp_path / "a.h5", {"u": values, "mask": values[:, 0], "nu": np.arange(3.0)})
    source = opened(tmp_path / "a.h5", dims=("sample", "time", *axes))
    assert source.header.spec.grid.shape == values.shape[2:]
    assert [field.name for field in source.header.static_fields] == ["mask"]
    np.testing.assert_array_equal(source.read(1, 0, 4)[:, 0], values[1])
    np.testing.assert_array_equal(source.read_static(2)[0], values[2, 0])
    np.testing.assert_array_equal(source.header.parameters["nu"], np.arange(3.0))


X, Y, T = 0.5 * np.arange(6), 2 + np.arange(5.0), 0.1 * np.arange(4)
PLACES: dict[str, dict[str, Any]] = {
    "beside": {"x": X, "y": Y, "t": T},
    "by sample": {"x": np.tile(X, (3, 1)), "y": np.tile(Y, (3, 1)), "t": np.tile(T, (3, 1))},
    "columns": {"x": X[None], "y": Y[:, None], "tspan": T[None]},
    "on the whole grid": {"x": np.tile(X, (5, 1)), "y": np.tile(Y[:, None], (1, 6)), "time": T},
    "by other names": {"x-coordinate": X, "y-coordinate": Y, "t-coordinate": T},
    "in a group": {"scales/x": X, "scales/y": Y, "scales/sim_time": T},
    "above": {"xcoor": X, "ycoor": Y, "times": T},
}


@pytest.mark.parametrize("case", PLACES)
def test_positions(case: str, tmp_path: Path) -> None:
    write(tmp_path / "a.h5", {"run/u": U, **PLACES[case]})
    header = opened(tmp_path / "a.h5", dims=DIMS).header
    np.testing.assert_array_equal(header.coordinates["x"], X)
    np.testing.assert_array_equal(header.coordinates["y"], Y)
    np.testing.assert_array_equal(header.times, T)
    assert not [note for note in header.notes if "steps of" in note]


def test_steps_from_attributes_and_numbers_are_said(tmp_path: Path) -> None:
    write(tmp_path / "a.h5", {"u": U, "dy": np.full(3, 0.25)}, dx=0.5, dt=0.1)
    header = opened(tmp_path / "a.h5", dims=DIMS).header
    assert header.spec.grid.spacing == (0.25, 0.5)
    assert header.spec.time_step == pytest.approx(0.1)
    assert set(header.notes) == {
        "steps of 0.1 along time, from the attribute dt",
        "steps of 0.25 along y, from dy",
        "steps of 0.5 along x, from the attribute dx",
    }
    header = opened(tmp_path / "a.h5", dims=DIMS, time_step=2.0, spacing=(3.0,)).header
    assert header.spec.time_step == 2
    assert header.spec.grid.spacing == (3, 3)


def test_what_is_no_position_is_said(tmp_path: Path) -> None:
    write(tmp_path / "a.h5", {"u": U, "x": [0, 2, 1, 3, 4, 5], "t": T * np.array([[1], [2], [3]])})
    header = opened(tmp_path / "a.h5", dims=DIMS).header
    assert header.spec.grid.spacing == (1, 1)
    assert "differ from sample to sample: t, x" in header.notes[0]
    assert "no positions found along time, y, x" in header.notes[1]


def test_samples_may_begin_at_different_times(tmp_path: Path) -> None:
    write(tmp_path / "a.h5", {"u": U, "t": T + np.array([[7.0], [0.0], [3.0]])})
    header = opened(tmp_path / "a.h5", dims=DIMS).header
    assert header.spec.time_step == pytest.approx(0.1)


def test_times_that_go_back_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.h5", {"u": U, "t": [0.0, 2.0, 1.0, 3.0]})
    with pytest.raises(DataError, match="point 1 is 2 and point 2 1"):
        opened(tmp_path / "a.h5", dims=DIMS)
    assert opened(tmp_path / "a.h5", dims=DIMS, time_step=0.5).header.spec.time_step == 0.5


def test_uneven_positions_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.h5", {"u": U, "x": np.geomspace(1, 2, 6)})
    with pytest.raises(DataError, match="x is unevenly spaced"):
        opened(tmp_path / "a.h5", dims=DIMS)


def test_names_of_groups_and_their_numbers(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for k in (10, 2, 1):
            file[f"{k}/u"] = U[k % 3]
            file[f"{k}/nu"] = 0.1 * k
            file[f"{k}/t"] = T
            file[f"{k}"].attrs["Re"] = 100 * k
    header = opened(tmp_path / "a.h5", dims=DIMS, fields=("u=*/u",)).header
    assert header.sample_names == ("1", "2", "10")
    np.testing.assert_allclose(header.parameters["nu"], [0.1, 0.2, 1.0])
    np.testing.assert_array_equal(header.parameters["Re"], [100, 200, 1000])
    np.testing.assert_array_equal(header.times, T)


def test_only_what_is_asked_for_and_what_is_left(tmp_path: Path) -> None:
    write(tmp_path / "a.h5", {"u": U, "v": 2 * U, "other": U[:, :, :4], "label": np.arange(3)})
    header = opened(tmp_path / "a.h5", dims=DIMS).header
    assert header.spec.names == ("u", "v")
    assert any("other (3, 4, 4, 6)" in note for note in header.notes)
    source = opened(tmp_path / "a.h5", dims=DIMS, fields=("u",), derive=("w = v - u",))
    assert source.header.spec.names == ("u", "w")
    np.testing.assert_array_equal(source.read(0, 0, 1)[:, 1], U[0, :1])
    assert not any("other (3" in note for note in source.header.notes)


Mistake = tuple[dict[str, Any], type[Exception], str]
MISTAKES: dict[str, Mistake] = {
    "nothing said": ({}, ConfigError, "does not say what its arrays and their dims are"),
    "no such path": ({"dims": DIMS, "fields": ("w=a/w",)}, ConfigError, "names no array"),
    "two paths": ({"dims": DIMS, "fields": ("u=v",)}, ConfigError, "names two arrays"),
    "twice": ({"dims": DIMS, "fields": ("a=/u", "b=/u")}, ConfigError, "twice"),
    "too few dims": ({"dims": ("time", "y", "x")}, DataError, "no array of a floating type"),
    "whole numbers": ({"dims": DIMS, "fields": ("n",)}, DataError, "no array of a floating"),
    "two stars": ({"dims": DIMS, "fields": ("u=*/*",)}, ConfigError, "2 stars"),
    "an unknown dim": ({"dims": ("sample", "time", "q", "x")}, ConfigError, "--dims names q"),
    "a component dim": (
        {"dims": DIMS, "component_dim": "c"},
        ConfigError,
        "--component-dim c with --dims",
    ),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes(case: str, tmp_path: Path) -> None:
    said, kind, text = MISTAKES[case]
    write(tmp_path / "a.h5", {"u": U, "v": U, "n": U.astype(int), "name": "text"})
    with pytest.raises(kind, match=text) as caught:
        opened(tmp_path / "a.h5", **said)
    assert isinstance(caught.value, ConfigError | DataError)
    assert caught.value.remedy


def test_a_slash_says_which_side_is_the_path(tmp_path: Path) -> None:
    write(tmp_path / "a.h5", {"u": U, "v": 2 * U})
    source = opened(tmp_path / "a.h5", dims=DIMS, fields=("u=/v",))
    assert source.header.spec.names == ("u",)
    np.testing.assert_array_equal(source.read(0, 0, 1)[:, 0], 2 * U[0, :1])


def test_fill_values_and_units(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        array = file.create_dataset("u", data=np.where(U > 0.5, -999, U).astype("f4"))
        array.attrs["_FillValue"] = np.float32(-999)
        array.attrs["units"] = "m/s"
    source = opened(tmp_path / "a.h5", dims=DIMS)
    assert source.header.spec.fields[0].unit == "m/s"
    assert np.isnan(source.read(0, 0, 4)).sum() == (U[0] > 0.5).sum()


def test_a_folder_of_one_structure_is_one_source(tmp_path: Path) -> None:
    for k in range(3):
        write(tmp_path / f"run{k}.h5", {"u": U[k], "t": T}, nu=0.1 * k)
    reader = READERS["hdf5"](ReaderOptions(dims=DIMS[1:]))
    assert reader.find(tmp_path) == [tmp_path]
    source = reader.open(tmp_path)
    assert source.header.sample_names == ("run0", "run1", "run2")
    np.testing.assert_allclose(source.header.parameters["nu"], [0, 0.1, 0.2])
    np.testing.assert_array_equal(source.read(2, 0, 4)[:, 0], U[2])


def test_pieces_are_joined_in_time(tmp_path: Path) -> None:
    for name, part in (("s1", slice(0, 3)), ("s2", slice(3, 4))):
        write(tmp_path / f"{name}.h5", {"u": U[0, part], "t": T[part]})
    source = READERS["hdf5"](ReaderOptions(dims=DIMS[1:], join="time")).open(tmp_path)
    np.testing.assert_array_equal(source.header.times, T)
    np.testing.assert_array_equal(source.read(0, 0, 4)[:, 0], U[0])


def loop(file: h5py.File) -> None:
    file["a/b/again"] = file["/"]


def deep(file: h5py.File) -> None:
    file["/".join("g" * 40) + "/u"] = U


def odd(file: h5py.File) -> None:
    file["complex"] = U.astype(complex)
    file["strings"] = np.array([b"a", b"b"])
    file["nothing"] = h5py.Empty("f8")
    file["type"] = np.dtype("f8")
    file.create_dataset("pairs", data=np.zeros(3, [("a", "f8"), ("b", "i4")]))


@pytest.mark.parametrize("add", [loop, deep, odd])
def test_odd_things_beside_do_no_harm(add: Callable[[h5py.File], None], tmp_path: Path) -> None:
    with h5py.File(write(tmp_path / "a.h5", {"u": U}), "a") as file:
        add(file)
    header = opened(tmp_path / "a.h5", dims=DIMS).header
    assert header.spec.names == ("u",)
