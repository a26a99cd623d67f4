"""A store reads the same whatever its chunks, codecs and precision; damage is told."""

import gc
import shutil
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec, BytesCodec, GzipCodec, ZstdCodec

from matey_core.errors import DataError, MateyWarning
from matey_core.store import Store, open_store
from matey_core.store._chunks import ABSENT, Chunks, CompressedChunks, PlainChunks, ZarrChunks
from matey_core.store._reading import files
from tests.unit.store.stores import FRAMES, LZ4, NAMES, SAMPLES, SHAPE, expected, store_with

BLOCKS = {"chunks": (1, 2, *SHAPE), "shards": (1, 6, *SHAPE), "compressors": LZ4}
ZSTD = BloscCodec(cname="zstd", shuffle="bitshuffle", typesize=4)
LAYOUTS: dict[str, tuple[type[Chunks], dict[str, Any]]] = {
    "plain": (PlainChunks, {}),
    "one frame a file": (PlainChunks, {"chunks": (1, 1, *SHAPE)}),
    "float64": (PlainChunks, {"dtype": "<f8"}),
    "float16": (PlainChunks, {"dtype": "<f2"}),
    "bfloat16": (PlainChunks, {"is_bfloat16": True}),
    "lz4": (CompressedChunks, BLOCKS),
    "lz4, one frame a piece": (CompressedChunks, {**BLOCKS, "chunks": (1, 1, *SHAPE)}),
    "zstd": (CompressedChunks, {**BLOCKS, "compressors": ZSTD}),
    "lz4 of float64": (CompressedChunks, {**BLOCKS, "dtype": "<f8"}),
    "lz4 of float16": (CompressedChunks, {**BLOCKS, "dtype": "<f2"}),
    "lz4 of bfloat16": (CompressedChunks, {**BLOCKS, "is_bfloat16": True}),
    "big-endian": (ZarrChunks, {"serializer": BytesCodec(endian="big")}),
    "gzip": (ZarrChunks, {"compressors": GzipCodec()}),
    "Zarr's zstd": (ZarrChunks, {**BLOCKS, "compressors": ZstdCodec()}),
    "compressed, not sharded": (ZarrChunks, {"compressors": LZ4}),
    "pieces of space": (ZarrChunks, {"chunks": (2, 3, 4, 2)}),
    "bfloat16, pieces of space": (ZarrChunks, {"chunks": (1, 3, 3, 4), "is_bfloat16": True}),
}


def opened_slowly(path: Path) -> Store:
    """Open a store that Zarr has to read, and be told so."""
    with pytest.warns(MateyWarning, match="read by Zarr itself") as told:
        store = open_store(path)
    assert len(told) == 1
    return store


@pytest.mark.parametrize("layout", LAYOUTS)
def test_all_layouts_read_alike(layout: str, tmp_path: Path) -> None:
    kind, chunks = LAYOUTS[layout]
    path = store_with(tmp_path, **chunks)
    store = opened_slowly(path) if kind is ZarrChunks else open_store(path)
    assert {type(part) for part in store._chunks} == {kind}
    precision = {key: chunks[key] for key in ("dtype", "is_bfloat16") if key in chunks}
    values = expected(**precision)
    assert store.spec.grid.shape == SHAPE
    for start in range(FRAMES):
        for stop in range(start + 1, FRAMES + 1):
            np.testing.assert_array_equal(store.read(1, start, stop), values[1, start:stop])
    store.announce([(2, 3, 8), (0, 0, FRAMES), (2, 10, 11)])
    out = np.full((7, SAMPLES, 5, *values.shape[2:]), -1, np.float32)
    store.read_into(out[3, 2], 2, 4, 9)
    np.testing.assert_array_equal(out[3, 2], values[2, 4:9])
    assert (np.delete(out, 3, 0) == -1).all()
    assert (out[3, :2] == -1).all()


@pytest.mark.parametrize("layout", ["plain", "float64", "bfloat16", "lz4 of float64"])
def test_a_field_can_be_read_in_its_own_precision(layout: str, tmp_path: Path) -> None:
    chunks = LAYOUTS[layout][1]
    store = open_store(store_with(tmp_path, **chunks))
    values = store.read_field("velocity_x", 2, 1, 7)
    assert values.dtype == np.dtype("<f8" if "64" in layout else "<f4")
    np.testing.assert_array_equal(values, store.read(2, 1, 7)[:, 1])
    assert store.read_field("density", 0).shape == (FRAMES, *SHAPE)


def test_what_zarr_reads_is_said_once_with_the_reason(tmp_path: Path) -> None:
    path = store_with(tmp_path, compressors=ZstdCodec())
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("default")
        for _ in range(3):
            open_store(path)
    assert [str(warning.message) for warning in told] == [
        f"{path} is read by Zarr itself, up to a hundred times slower than what `matey prepare` "
        "writes: for density, velocity_x, chunks are encoded by bytes (little-endian), zstd."
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_file_that_is_not_there_is_no_missing_value(layout: str, tmp_path: Path) -> None:
    kind, chunks = LAYOUTS[layout]
    path = store_with(tmp_path, **chunks)
    shutil.rmtree(path / NAMES[0] / "c")
    store = opened_slowly(path) if kind is ZarrChunks else open_store(path)
    store.read_field(NAMES[1], 1, 2, 5)
    with pytest.raises(DataError, match=r"0 found|density is damaged: frames 2 to 4 of sample 1"):
        store.read_field(NAMES[0], 1, 2, 5)


def opened(tmp_path: Path, **chunks: Any) -> tuple[Store, Path]:
    path = store_with(tmp_path, **{**BLOCKS, **chunks})
    return open_store(path), path / NAMES[0] / "c" / "1" / "0" / "0" / "0"


def test_pieces_behind_the_last_frame_are_absent_and_not_needed(tmp_path: Path) -> None:
    store, file = opened(tmp_path, shards=(1, 8, *SHAPE))
    last = file.parents[2] / "1" / "0" / "0"
    index = np.frombuffer(last.read_bytes()[-68:-4], "<u8").reshape(4, 2)
    assert (index[2:] == ABSENT).all()
    np.testing.assert_array_equal(store.read(1, 7, 11), expected()[1, 7:11])


def test_absent_pieces_are_missing_values(tmp_path: Path) -> None:
    path = store_with(tmp_path, **BLOCKS)
    array = zarr.open_array(path / NAMES[0], mode="r+")
    array[1, 2:4] = np.nan
    read = open_store(path).read(1, 0, 6)
    assert np.isnan(read[2:4, 0]).all()
    assert np.isfinite(np.delete(read[:, 0], [2, 3], 0)).all()


def test_damage_is_told_with_file_and_remedy(tmp_path: Path) -> None:
    whole = opened(tmp_path / "whole")[1].read_bytes()
    flipped = bytearray(whole)
    flipped[-10] ^= 1
    header = bytearray(whole)
    header[4] ^= 1
    inside = whole[:16] + bytes(len(whole) - 16 - 52) + whole[-52:]
    cases = {
        "the checksum of its index": bytes(flipped),
        "cannot be decompressed": bytes(header),
        "bytes expected": whole[-52:],
        "52 bytes expected at 0, 20 found": whole[:20],
        "52 bytes expected at 0, 0 found": b"",
        "cannot be decompressed: error during blosc": inside,
    }
    for number, (words, content) in enumerate(cases.items()):
        store, file = opened(tmp_path / str(number))
        store.read(0, 0, 3)
        file.write_bytes(content)
        with pytest.raises(DataError, match=words) as caught:
            store.read(1, 0, 3)
        assert str(file) in str(caught.value)
        assert "matey prepare --overwrite" in caught.value.remedy


def test_damage_is_told_where_zarr_reads(tmp_path: Path) -> None:
    store = opened_slowly(store_with(tmp_path, **{**BLOCKS, "compressors": ZstdCodec()}))
    for file in (tmp_path / "zarr/tiny_periodic.zarr/density/c/1").rglob("*"):
        if file.is_file():
            file.write_bytes(b"no Zarr")
    np.testing.assert_array_equal(store.read(0, 2, 5), expected()[0, 2:5])
    with pytest.raises(DataError, match="density is damaged: frames 2 to 4 of sample 1"):
        store.read(1, 2, 5)


def test_maps_go_with_their_store(tmp_path: Path) -> None:
    gc.collect()
    before = len(files._MAPS)
    store, _ = opened(tmp_path)
    store.read(0, 0, FRAMES)
    assert len(files._MAPS) == before + 2 * 2
    del store
    gc.collect()
    assert len(files._MAPS) == before


def test_a_store_that_is_replaced_stays_as_it_was_for_who_reads_it(tmp_path: Path) -> None:
    store, file = opened(tmp_path)
    first = store.read(1, 0, 5)
    (tmp_path / "new").write_bytes(b"something else")
    (tmp_path / "new").replace(file)
    np.testing.assert_array_equal(store.read(1, 0, 5), first)
