"""Small files that unpack to more than any memory are refused by what they say of themselves."""

import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pytest
import zarr

from matey_core.errors import DataError
from matey_core.readers import READERS, ReaderOptions


@contextmanager
def little_memory() -> Iterator[None]:
    tracemalloc.start()
    began = time.process_time()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 2**26
        assert time.process_time() - began < 10
    finally:
        tracemalloc.stop()


def many_samples(file: h5py.File) -> None:
    array = file.create_dataset("density", (2**24, 2, 4), "f4", chunks=(1, 2, 4))
    array[0] = 1


def large_chunk(file: h5py.File) -> None:
    settings = {"compression": "gzip", "chunks": (1, 2, 2**28)}
    array = file.create_dataset("density", (2, 2, 2**20 * 2**8), "f4", **settings)
    array.id.write_direct_chunk((0, 0, 0), bytes(2**20))


@pytest.mark.parametrize("create", [many_samples, large_chunk])
def test_hdf5_holds_what_it_declares(create: Callable[[h5py.File], None], tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        create(file)
        file["t-coordinate"], file["x-coordinate"] = np.arange(3.0), np.arange(4.0)
    with little_memory(), pytest.raises(DataError, match=r"[0-9,]{10} bytes|declared with shape"):
        READERS["pdebench"]().open(tmp_path / "a.h5")


def huge_and_never_written(file: h5py.File) -> None:
    file.create_dataset("density", (2**40, 2, 4), "f4", chunks=(1, 2, 4))


@pytest.mark.parametrize("create", [many_samples, large_chunk, huge_and_never_written])
def test_plain_hdf5_holds_what_it_declares(
    create: Callable[[h5py.File], None], tmp_path: Path
) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        create(file)
        file.attrs.update({"dt": 0.1, "dx": 0.1})
    for dims in (("sample", "time", "x"), ("time", "y", "x")):
        reader = READERS["hdf5"](ReaderOptions(dims=dims))
        with little_memory(), pytest.raises(DataError, match=r"[0-9,]{10} bytes|declared with"):
            reader.open(tmp_path / "a.h5")


def test_a_packed_array_is_no_larger_than_fields_get(tmp_path: Path) -> None:
    np.savez_compressed(tmp_path / "a.npz", u=np.zeros((5, 10, 2**21), "f4"))
    assert (tmp_path / "a.npz").stat().st_size < 2**20
    options = ReaderOptions(dims=("sample", "time", "x"))
    with little_memory(), pytest.raises(DataError, match=r"unpacks to 419,430,\d+ bytes"):
        READERS["array"](options).open(tmp_path / "a.npz")


@pytest.mark.parametrize("version", [2, 3])
def test_a_chunk_of_zarr_is_bounded(version: int, tmp_path: Path) -> None:
    shape = (2, 10, 2**28)
    zarr.create_array(
        str(tmp_path / "a.zarr"), shape=shape, chunks=shape, dtype="f4", zarr_format=version
    )
    options = ReaderOptions(dims=("sample", "time", "x"))
    with little_memory(), pytest.raises(DataError, match="chunks of 21,474,836,480 bytes"):
        READERS["array"](options).open(tmp_path / "a.zarr")


@pytest.mark.parametrize("long", [0, 1, 2])
def test_no_axis_is_longer_than_a_store_can_name(long: int, tmp_path: Path) -> None:
    shape = [2, 3, 4]
    shape[long] = 2**26
    zarr.create_array(str(tmp_path / "a.zarr"), shape=shape, chunks=(64, 64, 64), dtype="f4")
    options = ReaderOptions(dims=("sample", "time", "x"))
    with little_memory(), pytest.raises(DataError, match="67,108,864 values along"):
        READERS["array"](options).open(tmp_path / "a.zarr")
