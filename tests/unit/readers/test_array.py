"""Plain arrays: dims as named, values as stored."""

import json
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import xarray as xr
import zarr

from matey_core.errors import ConfigError, DataError
from matey_core.readers import ReaderOptions, Source
from matey_core.readers.array import ArrayReader
from tests.support import tiny_store
from tests.unit.codecs import a_program_among_the_codecs

U = np.random.default_rng(0).normal(size=(2, 3, 4, 5)).astype(np.float32)
"""(sample, time, y, x)"""
DIMS = ("sample", "time", "y", "x")


def opened(path: Path, **options: Any) -> Source:
    """Open, and send to another process and back."""
    return pickle.loads(pickle.dumps(ArrayReader(ReaderOptions(**options)).open(path)))


def save_npy(path: Path, values: np.ndarray) -> Path:
    np.save(path / "a.npy", values)
    return path / "a.npy"


def save_npz(path: Path, values: np.ndarray) -> Path:
    np.savez(path / "a.npz", u=values)
    return path / "a.npz"


def save_packed(path: Path, values: np.ndarray) -> Path:
    np.savez_compressed(path / "b.npz", u=values)
    return path / "b.npz"


def save_zarr2(path: Path, values: np.ndarray) -> Path:
    zarr.create_array(str(path / "a2"), data=values, zarr_format=2)
    return path / "a2"


def save_zarr3(path: Path, values: np.ndarray) -> Path:
    zarr.create_array(str(path / "a3"), data=values, chunks=(1,) * values.ndim)
    return path / "a3"


FORMATS = [save_npy, save_npz, save_packed, save_zarr2, save_zarr3]
Save = Callable[[Path, np.ndarray], Path]


@pytest.mark.parametrize("save", FORMATS)
def test_every_format_gives_its_values_back(tmp_path: Path, save: Save) -> None:
    for values in (U, U.astype(">f8"), np.asfortranarray(U), U.astype(np.float16)):
        path = save(tmp_path, values) if not (tmp_path / "a3").exists() else tmp_path / "a3"
        source = opened(path, dims=DIMS, time_step=0.5, spacing=(2.0,), boundary=("periodic",))
        header = source.header
        assert header.spec.names == ("u",)
        assert (header.spec.grid.axes, header.spec.grid.spacing) == (("y", "x"), (2, 2))
        assert header.sample_names == ("0", "1")
        np.testing.assert_array_equal(header.times, [0, 0.5, 1])
        expected = np.asarray(values)[1, 1:3, None]
        if path.suffix:  # a Zarr folder keeps the first values
            assert header.dtype == values.dtype.newbyteorder("<")
            np.testing.assert_array_equal(source.read(1, 1, 3), expected)
        else:
            np.testing.assert_array_equal(source.read(1, 1, 3), U[1, 1:3, None])
            break


def test_fields_are_a_dim(tmp_path: Path) -> None:
    path = save_npy(tmp_path, np.moveaxis(U, 0, -1))  # (time, y, x, field)
    source = opened(path, dims=("time", "y", "x", "field"), fields=("density", "velocity_x"))
    assert source.header.spec.names == ("density", "velocity_x")
    assert source.header.spec.fields[1].component == ("x",)
    assert source.header.sample_names == ("0",)
    np.testing.assert_array_equal(source.read(0, 0, 3), U.swapaxes(0, 1))
    unnamed = opened(path, dims=("t", "lat", "lon", "channel"))
    assert unnamed.header.spec.names == ("u0", "u1")
    assert unnamed.header.spec.grid.axes == ("y", "x")
    with pytest.raises(ConfigError, match="2 fields along field; --fields names 1"):
        opened(path, dims=("time", "y", "x", "field"), fields=("density",))


@pytest.mark.parametrize("names", [("t", "y", "x"), ("tspan", "ycoor", "x_grid")])
def test_positions_are_known_by_other_words(tmp_path: Path, names: tuple[str, ...]) -> None:
    places = {name: 0.5 * np.arange(n) for name, n in zip(names, U.shape[1:], strict=True)}
    np.savez(tmp_path / "a.npz", p=U, q=U, **places, lengths=np.ones(3))
    header = opened(tmp_path / "a.npz", dims=("b", "time", "lat", "lon")).header
    assert (header.spec.time_step, header.spec.grid.spacing) == (0.5, (0.5, 0.5))
    (left,) = header.notes
    assert left.startswith("left out: lengths (3,) float64")


def test_files_of_words_alone_that_have_samples_are_asked_about(tmp_path: Path) -> None:
    for name in ("coeff", "sol"):
        np.save(tmp_path / f"{name}.npy", U)
    with pytest.raises(ConfigError, match="not clear whether a file is a field"):
        opened(tmp_path, dims=DIMS)
    assert opened(tmp_path, dims=DIMS, join="field").header.spec.names == ("coeff", "sol")


def test_members_are_fields_coordinates_and_parameters(tmp_path: Path) -> None:
    times = np.array([0.0, 0.5, 1.0])
    members = {"u": U, "v": 2 * U, "time": times, "nu": np.array(0.1), "mask": np.ones(7)}
    np.savez(tmp_path / "a.npz", **members)
    source = opened(tmp_path / "a.npz", dims=DIMS, derive=("w = u + v",))
    assert source.header.spec.names == ("u", "v", "w")
    np.testing.assert_array_equal(source.header.times, times)
    np.testing.assert_array_equal(source.header.parameters["nu"], [0.1, 0.1])
    expected = np.stack([U[1], 2 * U[1], 3 * U[1]], axis=1)
    np.testing.assert_allclose(source.read(1, 0, 3), expected, rtol=1e-6)
    chosen = opened(tmp_path / "a.npz", dims=DIMS, fields=("v=pressure",))
    np.testing.assert_array_equal(chosen.read(0, 0, 3)[:, 0], 2 * U[0])


def test_a_lone_array_takes_a_name(tmp_path: Path) -> None:
    path = save_npy(tmp_path, U)
    assert opened(path, dims=DIMS, fields=("height",)).header.spec.names == ("height",)


def test_without_times_there_is_one_frame(tmp_path: Path) -> None:
    source = opened(save_npy(tmp_path, U[:, 0]), dims=("sample", "y", "x"))
    assert len(source.header.times) == 1
    np.testing.assert_array_equal(source.read(1, 0, 1), U[1, 0][None, None])


@pytest.mark.parametrize("version", [2, 3])
def test_zarr_groups_name_their_dims(tmp_path: Path, version: int) -> None:
    data = xr.Dataset(
        {"v": (("run", *DIMS[1:]), U), "u": (("run", *DIMS[1:]), -U), "h": (("y", "x"), U[0, 0])},
        {"time": ("time", [0, 1, 2], {"units": "days since 2000-01-01"})},
        {"gravity": 9.81},
    )
    data["v"][0, 0, 0, 0] = 0.0
    data.to_zarr(tmp_path / "a.zarr", zarr_format=version, consolidated=False)
    assert ArrayReader().recognizes(tmp_path / "a.zarr")
    source = opened(tmp_path / "a.zarr")
    assert source.header.spec.names == ("u", "v")
    assert [field.name for field in source.header.static_fields] == ["h"]
    assert source.header.units["time"] == "s"
    np.testing.assert_array_equal(source.header.times, [0, 86400, 172800])
    np.testing.assert_array_equal(source.header.parameters["gravity"], [9.81, 9.81])
    np.testing.assert_array_equal(source.read(1, 0, 3), np.stack([-U[1], U[1]], axis=1))
    assert source.read(0, 0, 1)[0, 1, 0, 0] == 0
    renamed = opened(tmp_path / "a.zarr", dims=("sample=run",), fields=("v",))
    np.testing.assert_array_equal(renamed.read(0, 1, 3)[:, 0], U[0, 1:3])


def test_zeros_of_zarr_2_are_values(tmp_path: Path) -> None:
    group = zarr.open_group(str(tmp_path / "a"), mode="w", zarr_format=2)
    array = group.create_array("u", shape=(3, 4, 5), dtype="f4", fill_value=0.0)
    array.attrs["_ARRAY_DIMENSIONS"] = ["time", "y", "x"]
    assert (opened(tmp_path / "a").read(0, 0, 3) == 0).all()


def test_groups_without_names_take_dims_in_order(tmp_path: Path) -> None:
    group = zarr.open_group(str(tmp_path / "a"), mode="w")
    group.create_array("u", data=U)
    group.create_array("x", data=0.1 * np.arange(5))
    source = opened(tmp_path / "a", dims=DIMS)
    assert source.header.spec.grid.spacing == pytest.approx((1.0, 0.1))
    np.testing.assert_array_equal(source.read(1, 0, 3)[:, 0], U[1])
    assert not ArrayReader().recognizes(tmp_path / "a")
    with pytest.raises(ConfigError, match="does not say what its dims are") as caught:
        opened(tmp_path / "a")
    assert "--dims" in caught.value.remedy


def test_folders_of_one_shape_are_one_source(tmp_path: Path) -> None:
    for folder, shapes in {"one": (3, 3), "mixed": (3, 2), "lone": (3,)}.items():
        (tmp_path / folder).mkdir()
        for index, frames in enumerate(shapes):
            np.save(tmp_path / folder / f"ünïcode {index}.npy", U[index, :frames])
    np.savez(tmp_path / "one" / "other.npz", u=U)
    (tmp_path / "one" / "loop").symlink_to(tmp_path)
    tiny_store(tmp_path / "ready")
    reader = ArrayReader(ReaderOptions(dims=DIMS[1:]))
    assert reader.find(tmp_path) == [
        tmp_path / "lone",
        tmp_path / "mixed" / "ünïcode 0.npy",
        tmp_path / "mixed" / "ünïcode 1.npy",
        tmp_path / "one",
        tmp_path / "one" / "other.npz",
    ]
    assert reader.recognizes(tmp_path / "one")
    assert not reader.recognizes(tmp_path / "mixed")
    source = reader.open(tmp_path / "one")
    assert source.header.sample_names == ("ünïcode 0", "ünïcode 1")
    np.testing.assert_array_equal(source.read(1, 1, 3)[:, 0], U[1, 1:3])


def test_a_store_is_no_source(tmp_path: Path) -> None:
    store = tiny_store(tmp_path)
    assert not ArrayReader().recognizes(store)
    with pytest.raises(DataError, match="holds no"):
        ArrayReader().find(store)
    with pytest.raises(DataError, match="is a store"):
        ArrayReader().open(store)


def test_only_the_frames_that_are_asked_for_are_read(tmp_path: Path) -> None:
    """A file whose values past the first frames were never written: it takes no space."""
    shape = (2**14, 512, 512)
    np.lib.format.open_memmap(tmp_path / "a.npy", "w+", np.float32, shape)[:2] = 1
    assert os.stat(tmp_path / "a.npy").st_size > 2**34
    source = opened(tmp_path / "a.npy", dims=DIMS[1:])
    assert source.read(0, 1, 3).mean(axis=(1, 2, 3)).tolist() == [1, 0]


@pytest.mark.parametrize(
    ("values", "named"),
    [
        (U.astype(np.int32), "no array of a floating type"),
        (U.astype(complex), "no array of a floating type"),
        (U.astype(np.longdouble), "no array of a floating type"),
        (U > 0, "no array of a floating type"),
        (U[0], "no array of a floating type with the dims"),
        (U[:0], "no values"),
        (U[..., :0], "no values"),
    ],
)
@pytest.mark.parametrize("save", [save_npy, save_npz, save_zarr3])
def test_what_is_no_field_is_refused(
    tmp_path: Path, save: Save, values: np.ndarray, named: str
) -> None:
    if save is save_zarr3 and values.dtype == np.longdouble:
        pytest.skip("Zarr has no such type")
    with pytest.raises(DataError, match=named):
        opened(save(tmp_path, values), dims=DIMS)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    objects = np.empty(U.shape, object)
    for save in (save_npy, save_npz, save_packed):
        with pytest.raises(DataError, match="Python objects"):
            opened(save(tmp_path, objects), dims=DIMS)
    group = zarr.open_group(str(tmp_path / "z"), mode="w", zarr_format=2)
    group.create_array("u", shape=U.shape, dtype="f4", filters=[numcodecs.Pickle()])
    with pytest.raises(DataError, match="u is encoded by pickle"):
        opened(tmp_path / "z", dims=DIMS)


@pytest.mark.parametrize("filters", [True, False])
@pytest.mark.parametrize("is_group", [True, False])
def test_no_codec_runs_that_is_not_known(tmp_path: Path, is_group: bool, filters: bool) -> None:
    with a_program_among_the_codecs() as program:
        settings: Any = {"filters" if filters else "compressors": [program()]}
        path = tmp_path / "z" / ("u" if is_group else "")
        zarr.open_group(str(tmp_path / "z"), mode="w", zarr_format=2)
        zarr.create_array(str(path), data=U, zarr_format=2, overwrite=True, **settings)
        # What version 3 would say is harmless, and nobody asks it.
        (tmp_path / "z" / "u").mkdir(exist_ok=True)
        plain = {"zarr_format": 3, "node_type": "array", "codecs": ["bytes"]}
        (tmp_path / "z" / "u" / "zarr.json").write_text(json.dumps(plain))
        with pytest.raises(DataError, match="is encoded by program"):
            opened(tmp_path / "z", dims=DIMS)
        assert program.runs == 0


@pytest.mark.parametrize("name", ["zarr.json", "c/0/0/0/0", "c/1/0/0/0"])
@pytest.mark.parametrize("is_pipe", [True, False])
def test_pipes_and_devices_are_no_chunks(tmp_path: Path, name: str, is_pipe: bool) -> None:
    path = tmp_path / "a.zarr"
    zarr.create_array(str(path), data=U, chunks=(1, *U.shape[1:]))
    (path / name).unlink(missing_ok=True)
    if is_pipe:
        os.mkfifo(path / name)
    else:
        (path / name).symlink_to("/dev/zero")
    with pytest.raises(DataError, match=r"a pipe or a device"):
        opened(path, dims=DIMS).read(1, 0, 1)


def test_damaged_members_are_refused(tmp_path: Path) -> None:
    path = save_packed(tmp_path, U)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(DataError):
        opened(path, dims=DIMS).read(0, 0, 3)
    with zipfile.ZipFile(tmp_path / "c.npz", "w") as file:
        file.writestr("u.npy", save_npy(tmp_path, U).read_bytes()[:-4])
    with pytest.raises(DataError, match="its header tells of"):
        opened(tmp_path / "c.npz", dims=DIMS)


def test_truncated_files_are_refused(tmp_path: Path) -> None:
    path = save_npy(tmp_path, U)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="truncated"):
        opened(path, dims=DIMS)
    (tmp_path / "b.npy").write_bytes(b"")
    with pytest.raises(DataError, match="named like NumPy"):
        ArrayReader().find(tmp_path)
