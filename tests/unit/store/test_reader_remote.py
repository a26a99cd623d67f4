"""Stores in object storage read as local ones do, by few requests, several at once."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from zarr.codecs import ZstdCodec

from matey_core.data import Windows
from matey_core.errors import DataError
from matey_core.locations import location
from matey_core.runs.folder import record_of
from matey_core.runs.sources import open_stores, reopen_stores
from matey_core.store import Store, find_stores, open_store
from matey_core.store._chunks import CompressedChunks, PlainChunks, ZarrChunks
from matey_core.workflows.pretrain import PretrainConfig
from tests.unit.store.stores import FRAMES, LZ4, SHAPE, expected, store_with

s3fs = pytest.importorskip("s3fs")
moto = pytest.importorskip("moto.server")

LAYOUTS: dict[str, dict[str, Any]] = {
    "plain": {},
    "lz4": {"chunks": (1, 2, *SHAPE), "shards": (1, 6, *SHAPE), "compressors": LZ4},
    "zstd": {"compressors": ZstdCodec()},
}
# One of them is read by Zarr, which is said, and tested elsewhere.
pytestmark = pytest.mark.filterwarnings("ignore:.*read by Zarr itself")
KINDS = {"plain": PlainChunks, "lz4": CompressedChunks, "zstd": ZarrChunks}


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An S3 server with a bucket that holds a store of each layout."""
    server = moto.ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        s3fs.S3FileSystem.clear_instance_cache()  # of servers that other tests have stopped
        place: Any = location("s3://bucket/data")
        place.fs.mkdir("bucket")
        for name, chunks in LAYOUTS.items():
            local = store_with(tmp_path_factory.mktemp(name), **chunks)
            place.fs.put(f"{local}/", f"bucket/data/zarr/{name}.zarr/", recursive=True)
        yield "s3://bucket/data"
        place.fs.clear_instance_cache()
        server.stop()


def opened(bucket: str, layout: str) -> Store:
    return open_store(location(f"{bucket}/zarr/{layout}.zarr"))


def test_stores_are_found_below_a_prefix(bucket: str) -> None:
    found = [f"{bucket}/zarr/{name}.zarr" for name in sorted(LAYOUTS)]
    assert [str(path) for path in find_stores(location(bucket))] == found
    assert [str(path) for path in find_stores(location(f"{bucket}/zarr"))] == found
    assert [str(path) for path in find_stores(location(found[0]))] == found[:1]
    assert find_stores(location("s3://bucket/nothing")) == []
    stores = open_stores(PretrainConfig(data=bucket).data)
    assert [store.name for store in stores] == sorted(LAYOUTS)
    records = [record_of(store, (0,)) for store in stores]
    assert [store.fingerprint for store in reopen_stores(records, location(bucket))] == [
        store.fingerprint for store in stores
    ]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_remote_stores_read_as_local_ones(bucket: str, layout: str) -> None:
    store = opened(bucket, layout)
    assert {type(part) for part in store._chunks} == {KINDS[layout]}
    assert (store.num_samples, store.num_frames, store.name) == (3, FRAMES, layout)
    values = expected()
    for start, stop in ((0, FRAMES), (3, 4), (4, 7), (10, 11)):
        np.testing.assert_array_equal(store.read(2, start, stop), values[2, start:stop])
    windows = Windows(store, (0, 2), history=3, max_lead=2)
    batch = windows.batch(range(len(windows)), [[1, 2]] * len(windows))
    for row in range(len(windows)):
        sample, start = windows.place(row)
        np.testing.assert_array_equal(batch.history[row], values[sample, start : start + 3])


@pytest.mark.parametrize("layout", ["plain", "lz4"])
def test_what_is_announced_comes_by_few_requests(
    bucket: str, layout: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened(bucket, layout)
    asked: list[int] = []
    fs = store.path.fs  # type: ignore[attr-defined]
    plain = fs.cat_ranges

    def counted(paths: list[str], *rest: Any, **options: Any) -> Any:
        asked.append(len(paths))
        return plain(paths, *rest, **options)

    monkeypatch.setattr(fs, "cat_ranges", counted)
    # Frames 3 to 7 are in both files of a sample, 0 to 3 in the first one.
    store.announce([(1, 3, 8), (0, 0, 4)])
    # Of each field: a range of each of three files, or of two; and where there is an index,
    # the same number of indices before.
    assert sum(asked) == {"plain": 2 * 3, "lz4": 2 * (3 + 3)}[layout]
    assert len(asked) == {"plain": 2, "lz4": 4}[layout]
    np.testing.assert_array_equal(store.read(1, 3, 8), expected()[1, 3:8])
    np.testing.assert_array_equal(store.read(0, 0, 4), expected()[0, :4])
    assert len(asked) == {"plain": 2, "lz4": 4}[layout]


def test_what_is_missing_or_cut_off_is_told(bucket: str) -> None:
    place: Any = location(f"{bucket}/zarr")
    for layout, name in (("plain", "plain"), ("lz4", "lz4")):
        file = f"{layout}.zarr/density/c/0/0/0/0"
        content = place.fs.cat_file(f"bucket/data/zarr/{file}")
        try:
            place.fs.rm(f"bucket/data/zarr/{file}")
            with pytest.raises(DataError, match="0 found"):
                opened(bucket, name).read(0, 0, 2)
            place.fs.pipe_file(f"bucket/data/zarr/{file}", content[:-60])
            with pytest.raises(DataError, match=file):
                opened(bucket, name).read(0, 0, 6)
        finally:
            place.fs.pipe_file(f"bucket/data/zarr/{file}", content)
    with pytest.raises(DataError, match="is not a Zarr store"):
        opened(bucket, "nowhere")
