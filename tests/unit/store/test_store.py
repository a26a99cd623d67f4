"""A store holds what its source holds, says what it is, and appears whole or not at all."""

import errno
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray
import zarr

from matey_core.conversion import encoding
from matey_core.conversion.crew import Local
from matey_core.errors import ConfigError, DataError, RunError
from matey_core.readers import READERS, Source
from matey_core.store import Split, find_stores, open_store, write_store, writer
from matey_core.store.writer import Storage
from tests.support import Failing, advected, files_below, tiny_source, tiny_store


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_store(tmp_path_factory.mktemp("stores"))


def test_plain_xarray_opens_a_store(path: Path) -> None:
    with xarray.open_zarr(path) as data:
        assert data["density"].dims == ("sample", "time", "x", "y")
        np.testing.assert_allclose(data["x"], (np.arange(16) + 0.5) / 16)
        assert data["x"].attrs["units"] == "1"
        assert data["sample"].values.tolist() == list("012345")
        assert data["split"].attrs["flag_meanings"] == "train validation test"
        assert data["param_eta"].values.tolist() == [0.1] * 6
        assert data.attrs["boundary"] == {"x": "periodic", "y": "periodic"}
        expected = advected((16, 16), samples=6, frames=12, fields=2)
        np.testing.assert_array_equal(data["velocity_x"], expected[:, :, 1])


def test_a_store_reads_any_frames(path: Path) -> None:
    store = open_store(path)
    expected = advected((16, 16), samples=6, frames=12, fields=2)
    np.testing.assert_array_equal(store.read(4, 3, 9), expected[4, 3:9])
    assert store.read(4, 3, 9).dtype == np.float32
    assert (store.num_samples, store.num_frames, store.is_static) == (6, 12, False)
    for start, stop in ((-1, 2), (3, 3), (0, 13)):
        with pytest.raises(IndexError):
            store.read(0, start, stop)


def test_statistics_are_those_of_the_training_trajectories(path: Path) -> None:
    store = open_store(path)
    training = advected((16, 16), samples=6, frames=12, fields=2)[list(store.samples("train"))]
    for channel, name in enumerate(store.spec.names):
        values = training[:, :, channel].astype(np.float64)
        found = store.statistics[name]
        assert (found["min"], found["max"]) == (values.min(), values.max())
        np.testing.assert_allclose([found["mean"], found["std"]], [values.mean(), values.std()])


def test_splits_are_disjoint_and_complete(path: Path) -> None:
    store = open_store(path)
    parts = [store.samples(split) for split in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [2, 2, 2]
    assert sorted(sum(parts, ())) == list(range(6))


def opened(folder: Path, **settings: object) -> Source:
    return READERS["pdebench"]().open(tiny_source(folder / "source.h5", **settings))


def store_of(source: Source, path: Path, /, **provenance: object) -> Path:
    count = len(source.header.sample_names)
    write_store(source, path, num_samples=count, split=Split(), provenance=lambda: provenance)
    return path


def test_long_trajectories_are_cut_into_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encoding, "MAX_BLOCK_BYTES", 5 * 16 * 16 * 4)
    path = store_of(opened(tmp_path), tmp_path / "a.zarr")
    array = zarr.open_group(path, mode="r")["density"]
    assert array.chunks == (1, 5, 16, 16)
    expected = advected((16, 16), samples=6, frames=12, fields=2)
    np.testing.assert_array_equal(array[:], expected[:, :, 0])
    store = open_store(path)
    for start in range(12):
        for stop in range(start + 1, 13):
            np.testing.assert_array_equal(store.read(2, start, stop), expected[2, start:stop])


def test_samples_with_the_same_first_state_stay_together(tmp_path: Path) -> None:
    path = tiny_source(tmp_path / "a.h5", samples=9)
    with h5py.File(path, "r+") as file:
        for key in ("density", "Vx"):
            file[key][3:7] = file[key][3]
    for seed in range(5):
        source = READERS["pdebench"]().open(path)
        split = Split(seed=seed, shares=(0.4, 0.3, 0.3))
        written = write_store(
            source, tmp_path / "a.zarr", num_samples=9, split=split, provenance=dict
        )
        assigned = written.split
        assert written.num_distinct == 6
        assert len(set(assigned[3:7].tolist())) == 1


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_told_and_nothing_stays(tmp_path: Path, bad: float) -> None:
    path = tiny_source(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file["Vx"][4, 7, 2, :3] = bad
    with pytest.raises(DataError) as caught:
        store_of(READERS["pdebench"]().open(path), tmp_path / "out" / "a.zarr")
    for word in ("velocity_x", "sample 4", "3 values", "time index 7"):
        assert word in str(caught.value)
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("compression", ["none", "zstd"])
def test_large_stores_are_the_same_past_the_page_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compression: str
) -> None:
    source, storage = opened(tmp_path), Storage(compression=compression)
    for name, large in (("cached", 2**30), ("direct", 0)):
        monkeypatch.setattr(writer, "LARGE", large)
        path = tmp_path / name / "a.zarr"
        write_store(source, path, num_samples=6, split=Split(), provenance=dict, storage=storage)
    assert files_below(tmp_path / "cached") == files_below(tmp_path / "direct")


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_what_was_finished_is_kept_and_the_next_call_goes_on(
    tmp_path: Path, error: BaseException
) -> None:
    source = opened(tmp_path)
    whole = store_of(source, tmp_path / "whole" / "a.zarr", sha256="new")
    path = store_of(source, tmp_path / "out" / "a.zarr", sha256="old")
    with pytest.raises((RunError, KeyboardInterrupt)) as caught:
        store_of(Failing(source, error), path, sha256="new")
    assert isinstance(caught.value, KeyboardInterrupt) or "No space left" in str(caught.value)
    assert getattr(caught.value, "exit_code", 1) == 1
    assert open_store(str(path)).provenance == {"sha256": "old"}
    (path.parent / "a.zarr.partial/store/density/c/1/0/0/0").write_bytes(b"damaged")

    healed = Failing(source, None)
    store_of(healed, path, sha256="new")
    assert healed.reads == [1, 3, 4, 5]
    assert files_below(path) == files_below(whole)
    assert [entry.name for entry in path.parent.iterdir()] == ["a.zarr"]


def test_rest_of_a_killed_run_is_replaced(tmp_path: Path) -> None:
    rest = tmp_path / "a.zarr.partial" / "density"
    rest.mkdir(parents=True)
    path = store_of(opened(tmp_path), tmp_path / "a.zarr")
    assert not rest.exists()
    assert find_stores(tmp_path) == [path]


def test_stores_are_found_in_data_and_below_zarr(tmp_path: Path) -> None:
    one = tiny_store(tmp_path, name="a", samples=2, frames=3)
    two = tiny_store(tmp_path, name="b", samples=2, frames=3)
    (tmp_path / "zarr" / "half.zarr.partial").mkdir()
    (tmp_path / "zarr" / "empty.zarr").mkdir()
    assert find_stores(tmp_path) == find_stores(tmp_path / "zarr") == [one, two]
    assert find_stores(one) == [one]
    assert find_stores(tmp_path / "nowhere") == []


def test_fingerprint_depends_on_content_and_split_only(tmp_path: Path) -> None:
    source = opened(tmp_path)
    marks = [
        open_store(store_of(source, tmp_path / f"{n}.zarr", **provenance)).fingerprint
        for n, provenance in enumerate(
            (
                {"sha256": "a", "seed": 0, "path": "/x", "versions": {"zarr": "3"}},
                {"sha256": "a", "seed": 0, "path": "/y", "versions": {"zarr": "4"}},
                {"sha256": "a", "seed": 1, "path": "/x", "versions": {"zarr": "3"}},
            )
        )
    ]
    assert marks[0] == marks[1] != marks[2]


def edited(path: Path, **changes: object) -> None:
    metadata = json.loads((path / "zarr.json").read_text())
    for key, value in changes.items():
        metadata["attributes"][key] = value
    (path / "zarr.json").write_text(json.dumps(metadata))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"matey_layout": 99}, "matey_layout 99"),
        ({"boundary": {"x": "magic", "y": "periodic"}}, "magic"),
        ({"fields": [{"name": "../../x"}]}, "damaged"),
        ({"axes": None}, "damaged"),
    ],
)
def test_damaged_stores_are_refused(tmp_path: Path, changes: dict, words: str) -> None:
    path = store_of(opened(tmp_path), tmp_path / "a.zarr")
    edited(path, **changes)
    with pytest.raises(DataError, match=words):
        open_store(path)


def test_names_of_fields_cannot_lead_out_of_the_store(tmp_path: Path) -> None:
    path = store_of(opened(tmp_path), tmp_path / "a.zarr")
    fields = json.loads((path / "zarr.json").read_text())["attributes"]["fields"]
    edited(path, fields=[fields[0] | {"name": "../a.zarr/density"}])
    with pytest.raises(DataError, match=r"no name of an? "):
        open_store(path)


def test_a_missing_chunk_is_told(tmp_path: Path) -> None:
    path = store_of(opened(tmp_path), tmp_path / "a.zarr")
    (path / "density" / "c" / "2" / "0" / "0" / "0").unlink()
    store = open_store(path)
    store.read(1, 0, 12)
    with pytest.raises(DataError, match="0 found"):
        store.read(2, 0, 1)


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not a Zarr store"):
        open_store(tmp_path / "nowhere.zarr")
    zarr.open_group(tmp_path / "other.zarr", mode="w")
    with pytest.raises(DataError, match="Zarr of another program") as caught:
        open_store(tmp_path / "other.zarr")
    assert caught.value.remedy.endswith(f"matey prepare array {tmp_path / 'other.zarr'}.")
    assert find_stores(tmp_path) == []
    (tmp_path / "other.zarr/zarr.json").write_text("{}")
    assert find_stores(tmp_path) == [tmp_path / "other.zarr"]  # damage is told


def test_memory_decides_how_many_work_and_too_little_is_refused(tmp_path: Path) -> None:
    source = opened(tmp_path)
    path = tmp_path / "out" / "a.zarr"
    with pytest.raises(ConfigError, match="one frame of all fields takes") as caught:
        write_store(source, path, num_samples=6, split=Split(), provenance=dict, memory=1000)
    assert "--memory" in caught.value.remedy
    assert not path.parent.exists()
    job = writer._job(source, writer.place_of(path), 6, Storage())
    of_a_worker = job.memory + writer.WORKER_BYTES
    crew = Local(4)
    found = [writer._workers(job, crew, share * of_a_worker) for share in (1, 2, 3, 9)]
    assert found == [1, 2, 3, 4]
    assert writer._workers(job, crew, None) == 4
