"""Files stay open while their source lives, and what has changed is read anew."""

import gc
import multiprocessing
import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from matey_core.containers import hdf5
from matey_core.errors import DataError
from matey_core.readers import READERS, Source
from tests.support import tiny_source
from tests.support_well import well_file

READER = READERS["pdebench"]()


def is_open(path: Path) -> bool:
    links = (f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd"))
    return any(os.path.exists(link) and os.readlink(link) == str(path) for link in links)


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")


@needs_proc
def test_a_file_is_open_from_the_first_read_as_long_as_its_source_lives(tmp_path: Path) -> None:
    path = tiny_source(tmp_path / "a.h5")
    source = READER.open(path)
    assert not is_open(path)
    source.read(0, 0, 1)
    assert is_open(path)
    before = [id(kept.file) for kept in hdf5._KEPT.values()]
    source.read(1, 0, 1)
    READER.open(path)
    assert [id(kept.file) for kept in hdf5._KEPT.values()] == before
    del source
    gc.collect()
    assert not is_open(path)
    with h5py.File(path, "a") as file:
        file.attrs["eta"] = 1.0


@needs_proc
def test_few_files_are_open_at_a_time(tmp_path: Path) -> None:
    paths = [tiny_source(tmp_path / f"{number}.h5") for number in range(hdf5.MAX_OPEN + 3)]
    sources = [READER.open(path) for path in paths]
    for source in sources:
        source.read(0, 0, 1)
    assert [is_open(path) for path in paths] == [False] * 3 + [True] * hdf5.MAX_OPEN
    first = sources[0].read(1, 2, 3)
    np.testing.assert_array_equal(first, sources[1].read(1, 2, 3))


@pytest.mark.parametrize("in_place", [True, False])
def test_a_file_that_has_changed_is_read_anew(tmp_path: Path, in_place: bool) -> None:
    path = tiny_source(tmp_path / "a.h5")
    other = tmp_path / "b.h5"
    other.write_bytes(path.read_bytes())
    with h5py.File(other, "a") as file:
        file["density"][...] = 7
    source = READER.open(path)
    assert (source.read(0, 0, 1)[:, 0] != 7).all()
    if in_place:
        path.write_bytes(other.read_bytes())
        os.utime(path, ns=(0, 1))
    else:
        other.replace(path)
    assert (source.read(0, 0, 1)[:, 0] == 7).all()


def test_a_file_that_is_damaged_later_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tiny_source(tmp_path / "a.h5")
    source = READER.open(path)
    source.read(0, 0, 1)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(DataError, match=r"a\.h5 is truncated"):
        source.read(0, 0, 1)
    tiny_source(path, shape=(4, 4))
    with pytest.raises(DataError, match=r"a\.h5 is damaged"):
        source.read(0, 0, 1)


def values_in(source: Source) -> np.ndarray:
    return source.read(1, 0, 3)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_an_open_source_works_in_another_process(tmp_path: Path, method: str) -> None:
    path = tiny_source(tmp_path / "a.h5")
    source = READER.open(path)
    expected = source.read(1, 0, 3)
    with multiprocessing.get_context(method).Pool(1) as pool:
        np.testing.assert_array_equal(pool.apply(values_in, (source,)), expected)
    np.testing.assert_array_equal(source.read(1, 0, 3), expected)


def test_other_hdf5_is_not_recognized(tmp_path: Path) -> None:
    flow = tiny_source(tmp_path / "flow.nc")
    assert READER.recognizes(flow)
    with h5py.File(flow, "a") as file:
        file.attrs["_NCProperties"] = "version=2,netcdf=4.9.2,hdf5=1.14"
    assert not READER.recognizes(flow)
    old = tiny_source(tmp_path / "old.nc")
    with h5py.File(old, "a") as file:
        file["density"].attrs["_Netcdf4Dimid"] = 0
    assert not READER.recognizes(old)
    assert not READER.recognizes(well_file(tmp_path / "well.h5"))
    assert not READER.recognizes(tmp_path)
