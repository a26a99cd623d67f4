"""What the JSON of an array says of its files, as Zarr's specification fixes it."""

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matey_core.store._reading.metadata import (
    ForeignLayoutError,
    array_metadata,
    group_metadata,
    layout_of,
)

LITTLE = {"name": "bytes", "configuration": {"endian": "little"}}
BIG = {"name": "bytes", "configuration": {"endian": "big"}}
BLOSC = {
    "name": "blosc",
    "configuration": {
        "typesize": 4,
        "cname": "lz4",
        "clevel": 5,
        "shuffle": "shuffle",
        "blocksize": 0,
    },
}
GZIP = {"name": "gzip", "configuration": {"level": 5}}
ZSTD = {"name": "zstd", "configuration": {"level": 0, "checksum": False}}
CRC32C = {"name": "crc32c"}
PLAIN: dict[str, Any] = {
    "zarr_format": 3,
    "node_type": "array",
    "shape": [3, 11, 6, 4],
    "data_type": "float32",
    "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1, 6, 6, 4]}},
    "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
    "fill_value": "NaN",
    "codecs": [LITTLE],
    "attributes": {},
    "storage_transformers": [],
}


def sharding(**changes: Any) -> dict[str, Any]:
    configuration = {
        "chunk_shape": [1, 2, 6, 4],
        "codecs": [LITTLE, BLOSC],
        "index_codecs": [LITTLE, CRC32C],
        "index_location": "end",
        **changes,
    }
    return {"name": "sharding_indexed", "configuration": configuration}


def changed(**changes: Any) -> dict[str, Any]:
    return {**copy.deepcopy(PLAIN), **changes}


def test_raw_values_are_read_directly() -> None:
    layout = layout_of(PLAIN, has_time=True)
    assert layout.stored == layout.dtype == np.dtype("<f4")
    assert (layout.space, layout.block, layout.piece) == ((6, 4), 6, 6)
    assert (layout.is_compressed, layout.is_bfloat16) == (False, False)
    assert layout.name(2, 1) == "c/2/1/0/0"


def test_shards_of_blosc_are_read_directly() -> None:
    layout = layout_of(changed(codecs=[sharding()]), has_time=True)
    assert (layout.block, layout.piece, layout.is_compressed) == (6, 2, True)
    assert layout.index_bytes == 3 * 16 + 4


def test_bfloat16_is_read_from_its_bit_patterns() -> None:
    described = changed(
        data_type="uint16", fill_value=0x7FC0, attributes={"matey_dtype": "bfloat16"}
    )
    layout = layout_of(described, has_time=True)
    assert layout.is_bfloat16
    assert (layout.stored, layout.dtype) == (np.dtype("<u2"), np.dtype("<f4"))


def test_a_static_field_has_no_axis_of_time() -> None:
    grid = {"name": "regular", "configuration": {"chunk_shape": [1, 6, 4]}}
    layout = layout_of(changed(shape=[3, 6, 4], chunk_grid=grid), has_time=False)
    assert (layout.space, layout.block, layout.name(2, 0)) == ((6, 4), 1, "c/2/0/0")


@pytest.mark.parametrize(
    "changes",
    [
        {"chunk_key_encoding": "default"},
        {"chunk_key_encoding": {"name": "default"}},
        {"data_type": {"name": "float32"}},
        {"fill_value": "0x7fc00000"},
        {"fill_value": "0xffc00001"},
        {"codecs": [sharding(index_codecs=[LITTLE, "crc32c"])]},
        {"codecs": [sharding(index_codecs=[LITTLE, {"name": "crc32c", "configuration": {}}])]},
    ],
    ids=str,
)
def test_other_spellings_of_the_same_are_read_directly(changes: dict[str, Any]) -> None:
    assert layout_of(changed(**changes), has_time=True).block == 6


def test_an_index_without_a_location_is_at_the_end() -> None:
    codec = sharding()
    del codec["configuration"]["index_location"]
    assert layout_of(changed(codecs=[codec]), has_time=True).is_compressed


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"codecs": [BIG]}, r"encoded by bytes \(big-endian\)"),
        ({"codecs": [{"name": "bytes"}]}, "encoded by bytes"),
        ({"codecs": [LITTLE, GZIP]}, r"bytes \(little-endian\), gzip"),
        ({"codecs": [LITTLE, ZSTD]}, "zstd"),
        ({"codecs": [LITTLE, BLOSC]}, "blosc"),
        ({"codecs": [{"name": "transpose", "configuration": {"order": [0]}}, LITTLE]}, "transpose"),
        ({"codecs": [sharding(codecs=[LITTLE, ZSTD])]}, "pieces of shards are encoded by .*zstd"),
        ({"codecs": [sharding(codecs=[BIG, BLOSC])]}, "big-endian"),
        ({"codecs": [sharding(codecs=[LITTLE])]}, "pieces of shards"),
        ({"codecs": [sharding(index_location="start")]}, "the index of shards"),
        ({"codecs": [sharding(index_codecs=[LITTLE])]}, "the index of shards"),
        ({"codecs": [sharding(index_codecs=[BIG, CRC32C])]}, "the index of shards"),
        ({"codecs": [sharding(), GZIP]}, "sharding_indexed, gzip"),
        ({"fill_value": 0.0}, "0.0 stands for"),
        ({"fill_value": "Infinity"}, "'Infinity' stands for"),
        ({"fill_value": "0x7f800000"}, "stands for"),
        ({"chunk_key_encoding": {"name": "v2"}}, "other names"),
        (
            {"chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}}},
            "other names",
        ),
        ({"chunk_grid": {"name": "rectilinear"}}, "a grid that is rectilinear"),
        (
            {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1, 6, 3, 4]}}},
            "the whole of space",
        ),
        (
            {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [2, 6, 6, 4]}}},
            "of one sample",
        ),
        ({"storage_transformers": [{"name": "offset"}]}, "storage transformer"),
    ],
    ids=str,
)
def test_any_other_layout_is_left_to_zarr_with_the_reason(
    changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ForeignLayoutError, match=reason):
        layout_of(changed(**changes), has_time=True)


@pytest.mark.parametrize("name", ["int32", "uint16", "complex64", "string"])
def test_only_floating_point_numbers_are_fields(name: str) -> None:
    with pytest.raises(TypeError, match=f"{name}, no floating-point"):
        layout_of(changed(data_type=name), has_time=True)


@pytest.mark.parametrize(
    "changes",
    [
        {"shape": [3, 11, 6]},
        {"shape": [3, 11, 6, -4]},
        {"shape": "3"},
        {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [1, 0, 6, 4]}}},
        {"codecs": [sharding(chunk_shape=[1, 4, 6, 4])]},
        {"codecs": [sharding(chunk_shape=[1, 0, 6, 4])]},
        {"codecs": [sharding(chunk_shape=[1, 2])]},
        {"fill_value": "0x7fc0000000000000"},
    ],
    ids=str,
)
def test_metadata_that_contradict_themselves_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"size|axes|pieces|bytes"):
        layout_of(changed(**changes), has_time=True)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 12) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@given(key=st.sampled_from(sorted(PLAIN)), value=JSON)
def test_whatever_stands_there_is_read_or_refused(key: str, value: Any) -> None:
    try:
        layout = layout_of(changed(**{key: value}), has_time=True)
    except (ForeignLayoutError, KeyError, TypeError, ValueError, AttributeError):
        return
    assert layout.space == (6, 4)
    assert layout.block >= 1


def write(folder: Path, content: Any) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "zarr.json").write_text(json.dumps(content))


def test_metadata_are_those_of_the_group_where_it_has_them(tmp_path: Path) -> None:
    own = changed(shape=[9, 11, 6, 4])
    write(tmp_path / "density", own)
    with pytest.raises(FileNotFoundError):
        group_metadata(tmp_path)
    (tmp_path / ".zgroup").write_text('{"zarr_format": 2}')
    with pytest.raises(ValueError, match="of Zarr version 2"):
        group_metadata(tmp_path)
    write(tmp_path, {"node_type": "group"})
    group = group_metadata(tmp_path)
    assert array_metadata(tmp_path, "density", group) == own
    write(tmp_path, {"node_type": "group", "consolidated_metadata": None})
    assert array_metadata(tmp_path, "density", group_metadata(tmp_path)) == own
    write(tmp_path, {"consolidated_metadata": {"metadata": {"density": PLAIN}}})
    group = group_metadata(tmp_path)
    assert array_metadata(tmp_path, "density", group) == PLAIN
    with pytest.raises(KeyError):
        array_metadata(tmp_path, "velocity", group)


def test_what_is_no_array_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "density", {"node_type": "group"})
    with pytest.raises(TypeError, match="'density' is no array"):
        array_metadata(tmp_path, "density", {})
    damages: list[Callable[[Path], Any]] = [
        lambda file: file.write_text("[1]"),
        lambda file: file.write_text("{"),
        lambda file: file.write_bytes(b"\xff\xfe\x00"),
    ]
    for damage in damages:
        damage(tmp_path / "density" / "zarr.json")
        with pytest.raises(ValueError, match=r"."):
            array_metadata(tmp_path, "density", {})
