"""Frames that lie together in chunks of a file are read once, and become the same store."""

import pickle
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr

from matey_core.conversion import ahead
from matey_core.conversion.ahead import ReadAhead, reading_ahead
from matey_core.conversion.crew import Alone, Crew, UnitRange
from matey_core.conversion.view import Selection
from matey_core.conversion.work import COPIES, ConversionJob, Record, portion_of
from matey_core.errors import DataError
from matey_core.fields import Field, FieldSpec, Grid
from matey_core.readers import READERS, ReaderOptions
from matey_core.sources import Header, Source
from matey_core.store import Split, write_store
from tests.support import tiny_source
from tests.support_well import well_file

FRAMES = 37


class Counting(Source):
    """A field whose frames are their numbers; it counts how many are read from its chunks."""

    def __init__(self, together: int, samples: int = 2) -> None:
        grid = Grid(axes=("x",), shape=(2**17,), spacing=(1.0,), boundary=("periodic",))
        header = Header(
            spec=FieldSpec(fields=(Field(name="u"),), grid=grid, time_step=1.0),
            coordinates={"x": np.arange(2.0**17)},
            times=np.arange(float(FRAMES)),
            sample_names=tuple(map(str, range(samples))),
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

    def read_samples(self, samples: range, start: int, stop: int) -> np.ndarray:
        """All samples lie in the same chunks."""
        before = self.unpacked
        parts = [self.read(sample, start, stop) for sample in samples]
        self.unpacked = before + (self.unpacked - before) // len(parts)
        return np.stack(parts)


def store(
    source: Source, path: Path, memory: int | None = None, crew: Crew | None = None
) -> dict[str, bytes]:
    split = Split(shares=(0.5, 0.5, 0.0), seed=0)
    count = len(source.header.sample_names)
    write_store(
        source, path, num_samples=count, split=split, provenance=dict, memory=memory, crew=crew
    )
    return {p.relative_to(path).as_posix(): p.read_bytes() for p in path.rglob("*") if p.is_file()}


def test_more_parameters_than_a_store_takes_are_refused(tmp_path: Path) -> None:
    source = Counting(1)
    many = {f"k{number}": np.zeros(2) for number in range(1001)}
    source.header = replace(source.header, parameters=many)
    with pytest.raises(DataError, match="1,001 parameters; a store takes at most 1,000"):
        store(source, tmp_path / "a.zarr")
    assert not any(tmp_path.iterdir())


def test_chunks_are_unpacked_once_and_bytes_are_the_same(tmp_path: Path) -> None:
    plain, packed = Counting(1), Counting(20)
    assert portion_of(plain) == 8
    one = store(plain, tmp_path / "one/a.zarr")
    assert store(packed, tmp_path / "other/a.zarr") == one
    assert packed.unpacked == 2 * 40  # 20 frames twice, of both trajectories
    assert plain.unpacked == 2 * FRAMES


class Tasks(Alone):
    """Eight workers, one after another; it keeps the frames of their tasks."""

    size = 8

    def run(
        self, job: ConversionJob, tasks: Sequence[UnitRange], *, at_once: int
    ) -> Iterator[list[Record]]:
        blocks, block = job.encoding.num_blocks, job.encoding.block
        starts = [divmod(task.units.start, blocks) for task in tasks]
        self.starts = [(sample, number * block) for sample, number in starts]
        return super().run(job, tasks, at_once=at_once)


def test_no_chunk_is_shared_by_two_workers(tmp_path: Path) -> None:
    one = store(Counting(1, samples=5), tmp_path / "one/a.zarr")
    plain, frames, samples = Counting(1, samples=5), Counting(32, samples=5), Counting(1, samples=5)
    samples.samples_together = 2
    starts = {}
    for name, source in {"plain": plain, "frames": frames, "samples": samples}.items():
        crew = Tasks()
        assert store(source, tmp_path / name / "a.zarr", crew=crew) == one
        starts[name] = crew.starts
    assert starts["plain"] == [(s, f) for s in range(5) for f in range(0, FRAMES, 16)]
    assert starts["frames"] == [(s, f) for s in range(5) for f in (0, 32)]
    assert starts["samples"] == [(0, 0), (2, 0), (4, 0)]
    assert samples.unpacked == 3 * FRAMES  # of two samples, two and one


def test_every_other_frame_of_a_chunk_is_read_with_the_rest() -> None:
    source = Counting(20)
    view = Selection(stride=3).of(source)
    assert view.frames_together == 7
    np.testing.assert_array_equal(view.read(1, 2, 12)[:, 0, 0], 100 + np.arange(6, 36, 3))
    assert source.unpacked == 40
    both = view.read_samples(range(2), 2, 12)
    np.testing.assert_array_equal(both, np.stack([view.read(s, 2, 12) for s in range(2)]))


def test_what_is_kept_is_bounded_by_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    source = Counting(30)
    needed = COPIES * 8 * source.frame_bytes
    found = [reading_ahead(source, memory=needed + n * source.frame_bytes) for n in (0, 20, 99)]
    assert [each.kept_bytes // source.frame_bytes for each in found] == [0, 10, 30]
    source.samples_together = 2  # both, with all frames, or one as before
    found = [reading_ahead(source, memory=needed + n * source.frame_bytes) for n in (147, 148)]
    assert [each.kept_bytes // source.frame_bytes for each in found] == [30, 2 * FRAMES]
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
    _chunked(path, "density", (2, 5, 8, 8))


def groups(path: Path) -> None:
    tiny_source(path, samples=2, frames=6, fields=("height",))
    _chunked(path, "0000/data", (5, 8, 8, 1))


def plain(path: Path) -> None:
    with h5py.File(path, "w") as file:
        values = np.arange(2 * 6 * 8 * 8 * 2, dtype="f4").reshape(2, 6, 8, 8, 2)
        file.create_dataset("u", data=values, chunks=(2, 5, 4, 4, 2))


def netcdf(path: Path) -> None:
    values = np.arange(2 * 6 * 8 * 8, dtype="f4").reshape(2, 6, 8, 8)
    steady = (("y", "x", "sample"), values[:, 0].transpose(1, 2, 0))  # static
    fields = {"u": (("sample", "time", "y", "x"), values), "force": steady}
    fields["v"] = (("time", "y", "x"), values[1])  # of all samples
    data = xr.Dataset(fields).assign_coords(y=np.arange(8.0)[::-1])
    data.to_netcdf(path, engine="h5netcdf", encoding={"u": {"chunksizes": (2, 5, 4, 4)}})


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
    source = READERS[reader](options).open(path)
    assert source.frames_together == together
    samples = range(len(source.header.sample_names))
    assert source.samples_together == (2 if make in (flow, plain, netcdf) else 1)
    one_by_one = [source.read(sample, 1, 6) for sample in samples]
    np.testing.assert_array_equal(source.read_samples(samples, 1, 6), np.stack(one_by_one))
