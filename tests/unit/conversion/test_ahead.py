"""Frames that lie together in chunks of a file are read once, and become the same store."""

import pickle
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from matey_core.conversion import ahead
from matey_core.conversion.ahead import ReadAhead, reading_ahead
from matey_core.conversion.view import Selection
from matey_core.conversion.work import COPIES, portion_of
from matey_core.fields import Field, FieldSpec, Grid
from matey_core.readers import READERS, ReaderOptions
from matey_core.sources import Header, Source
from matey_core.store import Split, write_store
from tests.support import tiny_source
from tests.support_well import well_file

FRAMES = 37


class Counting(Source):
    """A field whose frames are their numbers; it counts how many are read from its chunks."""

    def __init__(self, together: int) -> None:
        grid = Grid(axes=("x",), shape=(2**17,), spacing=(1.0,), boundary=("periodic",))
        header = Header(
            spec=FieldSpec(fields=(Field(name="u"),), grid=grid, time_step=1.0),
            coordinates={"x": np.arange(2.0**17)},
            times=np.arange(float(FRAMES)),
            sample_names=("a", "b"),
            dtype=np.dtype("f4"),
            num_bytes=0,
        )
        super().__init__(Path("counting"), header)
        self.frames_together = together
        self.unpacked = 0

    def read(self, sample: int, start: int, stop: int) -> np.ndarray:
        stop = min(stop, FRAMES)
        if start < stop:
            whole = range(start // self.frames_together, (stop - 1) // self.frames_together + 1)
            self.unpacked += len(whole) * self.frames_together
        numbers = 100 * sample + np.arange(start, stop, dtype="f4")
        return np.broadcast_to(numbers[:, None, None], (stop - start, 1, 2**17))


def store(source: Source, path: Path, memory: int | None = None) -> dict[str, bytes]:
    split = Split(shares=(0.5, 0.5, 0.0), seed=0)
    write_store(source, path, num_samples=2, split=split, provenance=dict, memory=memory)
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def test_chunks_are_unpacked_once_and_bytes_are_the_same(tmp_path: Path) -> None:
    plain, packed = Counting(1), Counting(20)
    assert portion_of(plain) == 8
    one = store(plain, tmp_path / "one/a.zarr")
    assert store(packed, tmp_path / "other/a.zarr") == one
    assert packed.unpacked == 2 * 40  # 20 frames twice, of both trajectories
    assert plain.unpacked == 2 * FRAMES


def test_every_other_frame_of_a_chunk_is_read_with_the_rest() -> None:
    source = Counting(20)
    view = Selection(stride=3).of(source)
    assert view.frames_together == 7
    np.testing.assert_array_equal(view.read(1, 2, 12)[:, 0, 0], 100 + np.arange(6, 36, 3))
    assert source.unpacked == 40


def test_what_is_kept_is_bounded_by_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Counting(30)
    needed = COPIES * 8 * source.frame_bytes
    found = [reading_ahead(source, memory=needed + n * source.frame_bytes) for n in (0, 20, 99)]
    assert [each.kept_bytes // source.frame_bytes for each in found] == [0, 10, 30]
    monkeypatch.setattr(ahead, "MOST_KEPT", 12 * source.frame_bytes)
    assert reading_ahead(source, memory=None).kept_bytes == 12 * source.frame_bytes


def test_blocks_stay_behind_when_it_goes_to_a_worker() -> None:
    source = ReadAhead(Counting(20), 20)
    source.read(0, 0, 1)
    copy = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(copy.read(1, 18, 99)[:, 0, 0], 100 + np.arange(18, FRAMES))
    assert copy.read(0, 5, 5).shape == (0, 1, 2**17)


def flow(path: Path) -> None:
    tiny_source(path, samples=2, frames=6)
    _chunked(path, "density", (1, 5, 8, 8))


def groups(path: Path) -> None:
    tiny_source(path, samples=2, frames=6, fields=("height",))
    _chunked(path, "0000/data", (5, 8, 8, 1))


def plain(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.create_dataset("u", data=np.ones((2, 6, 8, 8, 2), "f4"), chunks=(1, 5, 4, 4, 2))


def netcdf(path: Path) -> None:
    data = xr.Dataset({"u": (("time", "y", "x"), np.ones((6, 8, 8), "f4"))})
    data.to_netcdf(path, engine="h5netcdf", encoding={"u": {"chunksizes": (5, 4, 4)}})


def zarr(path: Path) -> None:
    data = xr.Dataset({"u": (("time", "y", "x"), np.ones((6, 8, 8), "f4"))})
    data.to_zarr(path, zarr_format=2, encoding={"u": {"chunks": (5, 4, 4)}})


def well(path: Path) -> None:
    well_file(path)
    with h5py.File(path, "r") as file:
        shape = file["t0_fields/tracer"].shape
    _chunked(path, "t0_fields/tracer", (1, 2, *shape[2:]))


def _chunked(path: Path, name: str, chunks: tuple[int, ...]) -> None:
    with h5py.File(path, "r+") as file:
        values, attributes = file[name][()], dict(file[name].attrs)
        del file[name]
        file.create_dataset(name, data=values, chunks=chunks).attrs.update(attributes)


@pytest.mark.parametrize(
    ("reader", "make", "together"),
    [
        ("pdebench", flow, 5),
        ("pdebench", groups, 5),
        ("hdf5", plain, 5),
        ("netcdf", netcdf, 5),
        ("array", zarr, 5),
        ("the_well", well, 2),
    ],
)
def test_readers_say_which_frames_lie_together(
    tmp_path: Path, reader: str, make: Callable[[Path], None], together: int
) -> None:
    path = tmp_path / {"netcdf": "a.nc", "array": "a.zarr"}.get(reader, "a.h5")
    make(path)
    dims = ("sample", "time", "y", "x", "field") if reader == "hdf5" else ()
    options = ReaderOptions(dims=dims)
    assert READERS[reader](options).open(path).frames_together == together
