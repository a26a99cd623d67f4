"""A store of unknown origin runs no program, whatever its metadata ask for."""

import json
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numcodecs
import numpy as np
import pytest
import zarr

from matey_core.errors import DataError
from matey_core.store import open_store
from tests.support import tiny_store
from tests.unit.codecs import Program, a_program_among_the_codecs

FIELDS = ("density", "velocity_x")


def version_2(path: Path) -> None:
    """Write the store again as Zarr version 2, whose fields are encoded by a program."""
    values = {name: zarr.open_array(path / name, mode="r")[:] for name in FIELDS}
    attributes = json.loads((path / "zarr.json").read_text())["attributes"]
    rest = [name for name in zarr.open_group(path, mode="r").array_keys() if name not in FIELDS]
    vectors = {name: zarr.open_group(path, mode="r")[name][:] for name in rest}
    group = zarr.open_group(path, mode="w", zarr_format=2)
    group.attrs.update(attributes)
    for name, stored in values.items():
        group.create_array(name, data=stored, filters=[Program()])
    for name, stored in vectors.items():
        group.create_array(name, data=stored.astype("U9") if stored.dtype.kind == "T" else stored)


def version_2_inside(path: Path) -> None:
    """Let the consolidated metadata say that a vector is of version 2."""
    described = json.loads((path / "zarr.json").read_text())
    described["consolidated_metadata"]["metadata"]["time"] = {
        "zarr_format": 2,
        "shape": [12],
        "chunks": [12],
        "dtype": "<f8",
        "fill_value": 0,
        "order": "C",
        "filters": [{"id": "program"}],
        "compressor": None,
        "dimension_separator": "/",
        "attributes": {},
    }
    (path / "zarr.json").write_text(json.dumps(described))
    (path / "time" / "0").write_bytes(np.arange(12.0).tobytes())


@pytest.mark.parametrize("change", [version_2, version_2_inside])
def test_a_store_of_version_2_runs_nothing(change: Callable[[Path], None], tmp_path: Path) -> None:
    path = tiny_store(tmp_path, shape=(4,))
    with a_program_among_the_codecs() as program:
        change(path)
        with pytest.raises(DataError, match=r"version 2|zarr_format 2"):
            open_store(path).read(0, 0, 2)
        assert program.runs == 0


def changed(path: Path, name: str, **metadata: Any) -> Path:
    """Change what a store says of an array."""
    described = json.loads((path / "zarr.json").read_text())
    described["consolidated_metadata"]["metadata"][name].update(metadata)
    (path / "zarr.json").write_text(json.dumps(described))
    return path


LITTLE = {"name": "bytes", "configuration": {"endian": "little"}}
SHARDS = {
    "name": "sharding_indexed",
    "configuration": {
        "chunk_shape": [1, 1, 4],
        "codecs": [LITTLE, {"name": "numcodecs.pickle"}],
        "index_codecs": [LITTLE],
    },
}


@pytest.mark.parametrize("name", ["density", "sample", "time", "split", "x", "param_eta"])
def test_codecs_and_types_are_from_a_list(name: str, tmp_path: Path) -> None:
    path = tiny_store(tmp_path, shape=(4,))
    kept = (path / "zarr.json").read_text()
    changes: dict[str, dict[str, Any]] = {
        "numcodecs.pickle": {"codecs": [LITTLE, {"name": "numcodecs.pickle"}]},
        "encoded by program": {"codecs": ["program"]},
        "pickle": {"codecs": [SHARDS]},
        "object": {"data_type": {"name": "object"}},
        "zarr_format None": {"zarr_format": None},
    }
    for words, metadata in changes.items():
        (path / "zarr.json").write_text(kept)
        with pytest.raises(DataError, match=words):
            open_store(changed(path, name, **metadata))


def test_an_axis_is_no_path(tmp_path: Path) -> None:
    path = tiny_store(tmp_path, shape=(4,))
    described = json.loads((path / "zarr.json").read_text())
    described["attributes"]["axes"] = ["../other/x"]
    (path / "zarr.json").write_text(json.dumps(described))
    with pytest.raises(DataError, match=r"is damaged: KeyError|is no name"):
        open_store(path)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(
            ("statistics", each)
            for each in ({"mean": [1.0]}, {"std": {}}, {"min": "low"}, {"mean": 1.0}, [1.0], None)
        ),
        *(("bounds", [each, None]) for each in ("low", [0.0])),
    ],
)
def test_statistics_and_bounds_are_numbers(tmp_path: Path, key: str, value: Any) -> None:
    path = tiny_store(tmp_path, shape=(4,))
    described = json.loads((path / "zarr.json").read_text())
    described["attributes"]["fields"][0][key] = value
    (path / "zarr.json").write_text(json.dumps(described))
    with pytest.raises(DataError, match="is damaged"):
        open_store(path)


def test_pipes_and_devices_are_refused(tmp_path: Path) -> None:
    """Reading them would wait, or go on, for ever."""
    for number, name in enumerate(
        ["zarr.json", "time/c/0", "sample/c/0", "density/c/0/0/0", "density/c/0/0/0"]
    ):
        path = tiny_store(tmp_path / str(number), shape=(4,))
        file = path / name
        file.unlink()
        if number % 2:
            file.symlink_to("/dev/zero")
        else:
            os.mkfifo(file)
        with pytest.raises(DataError, match="a pipe or a device"):
            open_store(path).read(0, 0, 2)


def with_names(path: Path, content: bytes, **metadata: Any) -> Path:
    """Write the file of the names of samples anew."""
    (path / "sample" / "c" / "0").write_bytes(content)
    return changed(path, "sample", **metadata)


def test_names_are_no_more_than_their_bytes(tmp_path: Path) -> None:
    """Four bytes ask for 8.6 GB."""
    path = tiny_store(tmp_path, shape=(4,))
    names = open_store(path).sample_names
    plain = (path / "sample/c/0").read_bytes()
    for content in (
        b"\xff\xff\xff\x3f" + plain[4:],
        plain[:4] + b"\xff\xff\xff\x7f" + plain[8:],
        plain[:-1],
        plain[:3],
        b"",
    ):
        (path / "sample/c/0").write_bytes(content)
        with pytest.raises(DataError, match=r"strings|a string of"):
            open_store(path)
    (path / "sample/c/0").write_bytes(plain)
    assert open_store(path).sample_names == names


@pytest.mark.parametrize("name", ["zstd", "gzip", "blosc"])
def test_names_may_be_compressed_and_are_bounded(name: str, tmp_path: Path) -> None:
    codec = {"zstd": numcodecs.Zstd(), "gzip": numcodecs.GZip(), "blosc": numcodecs.Blosc()}[name]
    path = tiny_store(tmp_path, shape=(4,))
    names = open_store(path).sample_names
    plain = (path / "sample/c/0").read_bytes()
    codecs = [{"name": "vlen-utf8"}, {"name": name, "configuration": {}}]
    if name == "zstd":
        codecs[1]["configuration"] = {"level": 0, "checksum": False}
    if name == "gzip":
        codecs[1]["configuration"] = {"level": 1}
    if name == "blosc":
        codecs[1]["configuration"] = {
            "typesize": 1,
            "cname": "lz4",
            "clevel": 5,
            "shuffle": "noshuffle",
            "blocksize": 0,
        }
    with_names(path, codec.encode(plain), codecs=codecs)
    assert open_store(path).sample_names == names
    with_names(path, codec.encode(plain + bytes(2**27)))
    with pytest.raises(DataError, match="names of at least"):
        open_store(path)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("x", [10**9]),
        ("time", [10**9]),
        ("sample", [10**9]),
        ("split", [7]),
        ("param_eta", [10**9]),
        ("density", [6, 12, 10**9]),
        ("velocity_x", [6, 10**9, 4]),
    ],
)
def test_shapes_are_compared_before_anything_is_made(
    name: str, shape: list[int], tmp_path: Path
) -> None:
    path = changed(tiny_store(tmp_path, shape=(4,)), name, shape=shape)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"has the shape|the whole of space|chunks"):
            open_store(path)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_axes_that_agree_and_are_absurd_are_refused(tmp_path: Path) -> None:
    path = tiny_store(tmp_path, shape=(4,))
    grid = {"name": "regular", "configuration": {"chunk_shape": [10**9]}}
    changed(path, "time", shape=[10**9], chunk_grid=grid)
    for name in ("density", "velocity_x"):
        changed(path, name, shape=[6, 10**9, 4])
    with pytest.raises(DataError, match="time has 1,000,000,000 values"):
        open_store(path)


def test_a_chunk_that_zarr_decodes_is_bounded(tmp_path: Path) -> None:
    path = tiny_store(tmp_path, shape=(4,))
    grid = {"name": "regular", "configuration": {"chunk_shape": [6, 10**9, 4]}}
    gzip = {"name": "gzip", "configuration": {"level": 1}}
    changed(path, "density", chunk_grid=grid, codecs=[LITTLE, gzip])
    with pytest.raises(DataError, match="a chunk of 96,000,000,000 bytes"):
        open_store(path)
