"""Layouts that tell all about themselves, and MATLAB's files, whose dims are reversed in HDF5."""

import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import scipy.io
import xarray as xr
from typer.testing import CliRunner

from matey_cli.app import app
from matey_core.containers import npy
from matey_core.containers.hdf5 import Members
from matey_core.containers.matlab5 import open_matlab5
from matey_core.containers.views import matches
from matey_core.errors import DataError
from matey_core.readers import READERS, ReaderOptions, Source
from tests.support_hdf5 import athena, dedalus, matlab73
from tests.support_well import wave

RANDOM = np.random.default_rng(0)


def opened(path: Path, **said: Any) -> Source:
    return READERS["hdf5"](ReaderOptions(**said)).open(path)


def test_groups_are_in_the_order_of_their_numbers() -> None:
    names = ["10", "9", "009b", "010", "9b", "b9", "b" + "9" * 5000, "b1" + "0" * 5000, "b10"]
    order = matches("*/u", [f"{name}/u" for name in reversed(names)])
    assert list(order) == ["b9", "b10", *names[6:8], "9", "9b", "009b", "010", "10"]


def test_dedalus(tmp_path: Path) -> None:
    values = dedalus(tmp_path / "snapshots_s1.h5")
    reader = READERS["auto"]()
    assert reader.find(tmp_path / "snapshots_s1.h5") == [tmp_path / "snapshots_s1.h5"]
    source = reader.open(tmp_path / "snapshots_s1.h5")
    header = source.header
    assert header.spec.names == ("buoyancy", "u_x", "u_z")
    assert [field.component for field in header.spec.fields] == [(), ("x",), ("z",)]
    assert header.spec.grid.axes == ("x", "z")
    assert header.spec.grid.spacing == (0.125, 0.0625)
    np.testing.assert_allclose(header.times, 0.1 * np.arange(6))
    assert header.parameters == {}
    read = source.read(0, 2, 5)
    np.testing.assert_array_equal(read[:, 0], values["buoyancy"][2:5])
    np.testing.assert_array_equal(read[:, 1:], values["u"][2:5])


def test_sets_of_dedalus_are_pieces_of_one_trajectory(tmp_path: Path) -> None:
    dedalus(tmp_path / "snapshots_s1.h5")
    dedalus(tmp_path / "snapshots_s2.h5", first=6)
    source = opened(tmp_path, join="time")
    np.testing.assert_allclose(source.header.times, 0.1 * np.arange(12))
    assert source.read(0, 4, 8).shape == (4, 3, 32, 16)
    with pytest.raises(DataError, match="different times"):
        opened(tmp_path)


def test_blocks_of_athena_are_one_grid_and_files_are_times(tmp_path: Path) -> None:
    wholes = [athena(tmp_path / f"kh.out2.{k:05d}.athdf", k) for k in range(4)]
    (found,) = READERS["auto"]().find(tmp_path)
    source = READERS["auto"]().open(found)
    header = source.header
    assert header.spec.names == ("rho", "press", "vel1", "vel2", "vel3")
    assert header.spec.grid.axes == ("y", "x")
    assert header.spec.grid.spacing == (1 / 32, 1 / 32)
    np.testing.assert_allclose(header.times, 0.1 * np.arange(4))
    assert header.parameters == {}
    assert any("4 files of one time each" in note for note in header.notes)
    np.testing.assert_array_equal(source.read(0, 0, 4), np.stack(wholes))


def test_blocks_of_several_levels_are_refused(tmp_path: Path) -> None:
    athena(tmp_path / "a.athdf", 0, levels=(0, 0, 1, 1))
    with pytest.raises(DataError, match="4 blocks of 2 levels"):
        opened(tmp_path / "a.athdf")


def test_cutouts_of_jhtdb(tmp_path: Path) -> None:
    velocity = RANDOM.random((3, 8, 16, 12, 3)).astype("f4")
    with h5py.File(tmp_path / "isotropic1024coarse.h5", "w") as file:
        for k in range(3):
            file[f"Velocity_{k + 1:04d}"] = velocity[k]
            file[f"Pressure_{k + 1:04d}"] = velocity[k, ..., :1] ** 2
        for axis, points in zip("xyz", (12, 16, 8), strict=True):
            file[f"{axis}coor"] = np.linspace(0, 1, points).astype("f4")
    source = READERS["auto"]().open(tmp_path / "isotropic1024coarse.h5")
    header = source.header
    assert header.spec.names == ("pressure", "velocity_x", "velocity_y", "velocity_z")
    assert header.spec.grid.axes == ("z", "y", "x")
    np.testing.assert_allclose(header.spec.grid.spacing, (1 / 7, 1 / 15, 1 / 11), rtol=1e-6)
    assert header.times.tolist() == [1, 2, 3]
    read = source.read(0, 1, 3)
    np.testing.assert_array_equal(read[:, 0], velocity[1:, ..., 0] ** 2)
    np.testing.assert_array_equal(read[:, 1:], np.moveaxis(velocity[1:], -1, 1))


def test_pdearena(tmp_path: Path) -> None:
    u = RANDOM.random((4, 14, 16, 24)).astype("f4")
    with h5py.File(tmp_path / "NavierStokes2D_train_1.h5", "w") as file:
        group = file.create_group("train")
        group["u"], group["vx"], group["vy"] = u, 2 * u, 3 * u
        group["t"] = np.tile(1.5 * np.arange(14), (4, 1))
        group["x"] = np.tile(np.linspace(0, 32, 16), (4, 1))
        group["y"] = np.tile(np.linspace(0, 32, 24), (4, 1))
        group["buo_y"], group["dt"] = np.full(4, 0.5), np.full(4, 1.5)
    source = READERS["auto"]().open(tmp_path / "NavierStokes2D_train_1.h5")
    header = source.header
    assert header.spec.names == ("u", "vx", "vy")
    assert [field.component for field in header.spec.fields] == [(), ("x",), ("y",)]
    assert header.spec.grid.axes == ("x", "y")
    assert header.spec.grid.shape == (16, 24)
    assert header.spec.time_step == 1.5
    np.testing.assert_array_equal(header.parameters["buo_y"], [0.5] * 4)
    np.testing.assert_array_equal(source.read(3, 0, 14)[:, 2], 3 * u[3])
    chosen = opened(tmp_path / "NavierStokes2D_train_1.h5", fields=("smoke=train/u",))
    assert chosen.header.spec.names == ("smoke",)


@pytest.mark.parametrize("kind", ["5", "7.3"])
def test_both_kinds_of_matlab_have_the_same_dims(kind: str, tmp_path: Path) -> None:
    arrays = {"u": wave(3, 5, 6, 4).astype("f8"), "t": 0.5 * np.arange(4.0)[:, None]}
    arrays |= {"visc": np.array([[1e-3]]), "a": wave(3, 5, 6).astype("f8")}
    if kind == "5":
        scipy.io.savemat(tmp_path / "ns.mat", {**arrays, "cells": np.array([1, "a"], object)})
    else:
        matlab73(tmp_path / "ns.mat", **arrays)
    source = opened(tmp_path / "ns.mat", dims=("sample", "y", "x", "time"))
    header = source.header
    assert header.spec.names == ("u",)
    assert [field.name for field in header.static_fields] == ["a"]
    assert header.spec.grid.shape == (5, 6)
    assert header.times.tolist() == [0, 0.5, 1, 1.5]
    assert header.parameters["visc"].tolist() == [1e-3] * 3
    np.testing.assert_array_equal(source.read(2, 1, 4)[:, 0], arrays["u"][2].transpose(2, 0, 1)[1:])
    np.testing.assert_array_equal(source.read_static(1)[0], arrays["a"][1])


@pytest.mark.parametrize("command", ["array", "hdf5"])
def test_static_problems_of_matlab_5(command: str, tmp_path: Path) -> None:
    """The files of Fourier neural operators: Darcy's flow and Burgers' equation."""
    arrays = {"coeff": (RANDOM.random((4, 21, 21)) > 0.5) * 9.0 + 3}
    arrays["sol"] = RANDOM.random((4, 21, 21))
    scipy.io.savemat(tmp_path / "piececonst.mat", arrays)
    place = str(tmp_path / "piececonst.mat")
    done = CliRunner().invoke(
        app,
        ["prepare", command, place, "--dims", "sample,y,x", "--workers", "1"],
    )
    assert done.exit_code == 0, done.output
    with xr.open_zarr(tmp_path / "zarr" / "piececonst.zarr") as store:
        for name, values in arrays.items():
            np.testing.assert_array_equal(store[name].values.squeeze(), values)


def test_a_lone_vector_of_matlab(tmp_path: Path) -> None:
    a, u = RANDOM.random((6, 64)), RANDOM.random((6, 64))
    scipy.io.savemat(tmp_path / "burgers.mat", {"a": a, "u": u, "visc": 0.1}, do_compression=True)
    source = opened(tmp_path / "burgers.mat", dims=("sample", "x"), fields=("a", "u"))
    assert source.header.parameters["visc"].tolist() == [0.1] * 6
    np.testing.assert_array_equal(source.read(4, 0, 1)[0], np.stack([a[4], u[4]]))


CLASSES = ["f8", "f4", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "?", "c8", "c16"]


@pytest.mark.parametrize("is_packed", [False, True])
@pytest.mark.parametrize("dtype", CLASSES)
def test_variables_of_matlab_5_are_as_scipy_has_them(
    dtype: str, is_packed: bool, tmp_path: Path
) -> None:
    values = (100 * RANDOM.random((3, 1, 4, 5))).astype(dtype)
    extra = {"cells": np.array([1, "a"], object), "text": "abc", "long_name_of_it": np.eye(3)}
    arrays = {"u": values, "one": values[:1, 0, :1, :1], "none": values[:0], **extra}
    scipy.io.savemat(tmp_path / "a.mat", arrays, do_compression=is_packed)
    found = open_matlab5(tmp_path / "a.mat")
    assert list(found) == list(arrays)
    expected = scipy.io.loadmat(tmp_path / "a.mat", mat_dtype=dtype[0] != "c")
    for name in ("u", "one", "none", "long_name_of_it"):
        assert found[name].shape == expected[name].shape
        key = (slice(None),) * len(found[name].shape)
        if found[name].dtype.kind == "c":
            with pytest.raises(DataError, match="of the class"):
                found[name].part(key)
        else:
            np.testing.assert_array_equal(found[name].part(key), expected[name])
    assert found["u"].attributes["class"] in ("double", "single", found["u"].dtype.name, "uint8")


def test_big_endian_matlab_5(tmp_path: Path) -> None:
    """Written by hand, as scipy writes little-endian files only."""
    body = struct.pack(">IIII", 6, 8, 6, 0)
    body += struct.pack(">IIii", 5, 8, 2, 3)
    body += struct.pack(">HH4s", 1, 1, b"u")
    body += struct.pack(">II6d", 9, 48, *range(6))
    header = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI"
    (tmp_path / "a.mat").write_bytes(header + struct.pack(">II", 14, len(body)) + body)
    source = opened(tmp_path / "a.mat", dims=("sample", "x"))
    assert source.read(1, 0, 1).tolist() == [[[1, 3, 5]]]


def test_a_variable_of_matlab_5_is_not_larger_than_fields_get(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(npy, "FEW_UNPACKED", 2**16)
    scipy.io.savemat(tmp_path / "a.mat", {"u": np.zeros((10, 2**17))}, do_compression=True)
    with pytest.raises(DataError, match=r"u unpacks to 10,485,760 bytes"):
        opened(tmp_path / "a.mat", dims=("sample", "x"))


def test_a_large_tree_of_another_layout_is_not_walked(tmp_path: Path) -> None:
    """As the groups of PDEBench, of which a file has thousands."""
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for sample in range(100):
            file[f"{sample:04d}/data"] = np.zeros((2, 3))
    walked: list[str] = []
    look_up = Members._look_up
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Members, "_look_up", lambda s, key: walked.append(key) or look_up(s, key))
        assert not READERS["hdf5"]().recognizes(tmp_path / "a.h5")
        assert READERS["hdf5"]().find(tmp_path) == [tmp_path]
    assert len(walked) < 100
