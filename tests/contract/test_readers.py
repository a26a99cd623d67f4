"""What every reader promises, whatever its layout.

A reader takes part with one function in `SAMPLES`, which writes a source of its layout.
"""

import os
import pickle
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray

from matey_core.errors import DataError
from matey_core.readers import READERS, ReaderOptions, Source
from tests.support import tiny_source
from tests.support_well import wave, well_dataset


def pdebench_sample(folder: Path) -> tuple[Path, ReaderOptions]:
    return tiny_source(folder / "flow.hdf5", samples=3, frames=4), ReaderOptions()


def the_well_sample(folder: Path) -> tuple[Path, ReaderOptions]:
    return well_dataset(folder / "flow", frames=4), ReaderOptions()


def netcdf_sample(folder: Path) -> tuple[Path, ReaderOptions]:
    dims = ("sample", "time", "y", "x")
    coordinates = {"time": np.arange(4.0), "y": np.arange(5.0), "x": np.arange(6.0)}
    data = xarray.Dataset({"density": (dims, wave(3, 4, 5, 6))}, coordinates)
    data.to_netcdf(folder / "flow.nc", engine="h5netcdf")
    return folder / "flow.nc", ReaderOptions()


def array_sample(folder: Path) -> tuple[Path, ReaderOptions]:
    np.save(folder / "flow.npy", wave(3, 4, 5, 6))
    return folder / "flow.npy", ReaderOptions(dims=("sample", "time", "y", "x"))


def hdf5_sample(folder: Path) -> tuple[Path, ReaderOptions]:
    with h5py.File(folder / "flow.h5", "w") as file:
        for group in ("a", "b", "c"):
            file[f"{group}/density"] = wave(4, 5, 6)
    options = ReaderOptions(dims=("sample", "time", "y", "x"), fields=("density=*/density",))
    return folder / "flow.h5", options


SAMPLES: dict[str, Callable[[Path], tuple[Path, ReaderOptions]]] = {
    "array": array_sample,
    "auto": the_well_sample,
    "hdf5": hdf5_sample,
    "netcdf": netcdf_sample,
    "pdebench": pdebench_sample,
    "the_well": the_well_sample,
}
NEEDS_OPTIONS = {"array", "hdf5"}
"""Readers whose sample nobody could recognize without being told what its dims are."""
GARBAGE = {
    "empty.h5": b"",
    "text.txt": b"no data",
    "signature.hdf5": b"\x89HDF\r\n\x1a\n" + b"\xff" * 200,
    "classic.nc": b"CDF\x01" + b"\xff" * 200,
    "array.npy": b"\x93NUMPY\x01\x00\xff\xff",
    "archive.npz": b"PK\x03\x04" + b"\x00" * 50,
    "noise": bytes(range(256)) * 4,
}


@pytest.fixture(params=sorted(SAMPLES))
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    """A source of each layout."""
    path, options = SAMPLES[request.param](tmp_path)
    return READERS[request.param](options).open(path)


@pytest.mark.parametrize("name", READERS.names())
def test_there_is_a_sample(name: str) -> None:
    assert name in SAMPLES, f"Add a function to SAMPLES that writes a source of {name}."


@pytest.mark.parametrize("name", READERS.names())
def test_a_folder_without_sources_is_one_clear_error(name: str, tmp_path: Path) -> None:
    reader = READERS[name]()
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(DataError) as caught:
            reader.find(folder)
        assert str(folder) in str(caught.value)
        assert caught.value.remedy


@pytest.mark.parametrize("name", READERS.names())
def test_a_summary_is_known_without_importing(name: str) -> None:
    summary = READERS.summary(name)
    assert summary.endswith(".")
    assert len(summary) <= 100


def test_a_header_fits_together(opened: Source) -> None:
    header = opened.header
    grid, samples, frames = header.spec.grid, len(header.sample_names), len(header.times)
    assert len(grid.axes) == len(grid.shape) == len(grid.spacing) == len(grid.boundary)
    assert tuple(header.coordinates) == grid.axes
    assert tuple(len(values) for values in header.coordinates.values()) == grid.shape
    assert all(step > 0 for step in (*grid.spacing, header.spec.time_step))
    assert len(set(header.sample_names)) == samples > 1
    assert all(values.shape == (samples,) for values in header.parameters.values())
    assert all(values.dtype == np.float64 for values in header.parameters.values())
    assert len(header.splits) in (0, samples)
    assert set(header.splits) <= {"train", "validation", "test"}
    assert header.sample_times is None or header.sample_times.shape == (samples, frames)
    names = [field.name for field in (*header.spec.fields, *header.static_fields)]
    assert len(set(names)) == len(names)
    assert set(header.conserved) <= set(header.spec.names)
    assert {*header.directed, *header.units} <= {*grid.axes, "time"}
    assert (header.dtype.kind, header.dtype.isnative) == ("f", True)
    assert header.num_bytes > 0


def test_any_frames_are_a_part_of_all_frames(opened: Source) -> None:
    header = opened.header
    frames = len(header.times)
    last = len(header.sample_names) - 1
    whole = opened.read(last, 0, frames)
    assert whole.shape == (frames, len(header.spec.fields), *header.spec.grid.shape)
    assert whole.dtype == header.dtype
    for start in range(frames + 1):
        for stop in range(start, frames + 1):
            np.testing.assert_array_equal(opened.read(last, start, stop), whole[start:stop])
    np.testing.assert_array_equal(opened.read(last, 1, frames + 5), whole[1:])
    static = opened.read_static(last)
    assert static.shape == (len(header.static_fields), *header.spec.grid.shape)
    assert static.dtype == header.dtype


def test_a_channel_lies_in_one_piece(opened: Source) -> None:
    values = opened.read(0, 0, len(opened.header.times))
    assert all(values[:, channel].flags.c_contiguous for channel in range(values.shape[1]))


def test_a_source_can_be_sent_to_another_process_even_while_it_is_in_use(opened: Source) -> None:
    values = opened.read(0, 0, 2)
    sent = pickle.loads(pickle.dumps(opened))
    np.testing.assert_array_equal(sent.read(0, 0, 2), values)
    np.testing.assert_array_equal(sent.header.times, opened.header.times)
    assert sent.header.spec == opened.header.spec


def test_a_source_that_is_gone_is_a_clear_error(opened: Source) -> None:
    opened.read(0, 0, 1)
    sources = [opened.path] if opened.path.is_file() else sorted(opened.path.rglob("*.h*5"))
    for path in sources:
        path.unlink()
    with pytest.raises(DataError) as caught:
        opened.read(0, 0, 1)
    assert any(str(path) in str(caught.value) for path in sources)


@pytest.mark.parametrize("name", sorted(SAMPLES.keys() - NEEDS_OPTIONS))
def test_a_source_is_found_and_recognized_by_its_own_reader_only(name: str, tmp_path: Path) -> None:
    path, _ = SAMPLES[name](tmp_path)
    assert READERS[name]().find(path) == [path]
    known = {other for other in READERS.names() if READERS[other]().recognizes(path)}
    assert known - {"auto"} == {name if name != "auto" else "the_well"}
    assert "auto" in known


@pytest.mark.timeout(10)  # opening a pipe would wait for ever
@pytest.mark.parametrize("name", READERS.names())
def test_garbage_is_not_recognized(name: str, tmp_path: Path) -> None:
    reader = READERS[name]()
    for file, content in GARBAGE.items():
        (tmp_path / file).write_bytes(content)
        # A damaged file may be known by its first bytes, and is refused then.
        with pytest.raises(DataError):
            reader.open(tmp_path / file)
        assert not reader.recognizes(tmp_path / file) or content[:3] == b"CDF", file
        (tmp_path / file).unlink()
    (tmp_path / "folder.zarr").mkdir()
    (tmp_path / "folder.zarr" / "zarr.json").write_text("{")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    os.mkfifo(tmp_path / "pipe")
    for place in ("", "folder.zarr", "loop", "pipe", "nowhere"):
        assert not reader.recognizes(tmp_path / place), place


@pytest.mark.parametrize("name", READERS.names())
def test_an_option_that_a_layout_does_not_use_is_refused(name: str) -> None:
    reader = READERS[name]
    values = {"dims": ("x",), "fields": ("u",), "time_step": 0.5}
    for option in values.keys() - reader.uses:
        with pytest.raises(Exception, match=f"--{option.replace('_', '-')}"):
            reader(replace(ReaderOptions(), **{option: values[option]}))
