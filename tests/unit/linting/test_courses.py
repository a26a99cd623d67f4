"""Defects of whole trajectories, times, boundaries and files."""

from pathlib import Path

import numpy as np
import pytest

from matey_core.linting import Linter, lint_store
from matey_core.store import open_store
from matey_core.workflows.prepare import PrepareConfig, prepare
from tests.support import tiny_source, tiny_store
from tests.unit.linting.defects import findings, rewrite, values, vector

FIELDS = ("density", "velocity_x")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tiny_store(tmp_path)


def copy(path: Path, source: int, target: int, *, frames: slice = slice(None)) -> None:
    for field in FIELDS:
        values(path, field, target)[frames] = values(path, field, source)[frames]


def test_a_copy_in_another_split_is_leakage(path: Path) -> None:
    store = open_store(path)
    (train, *_), (test, *_) = store.samples("train"), store.samples("test")
    copy(path, train, test)
    found, *_ = findings(path, "duplicates")
    assert (found.severity, found.check) == ("error", "duplicates")
    pair = {found.sample: found.split, found.found.split()[-2]: found.found.split()[-1].strip("()")}
    assert pair == {str(train): "train", str(test): "test"}
    assert found.count == 2


def test_copies_in_one_split_are_counted(tmp_path: Path) -> None:
    path = tiny_store(tmp_path, samples=12)
    train = open_store(path).samples("train")
    copy(path, train[0], train[1])
    copy(path, train[0], train[2])
    (found,) = findings(path, "duplicates")
    assert (found.severity, found.sample, found.count) == ("warning", str(train[1]), 2)
    assert found.found.startswith("10 distinct of 12 trajectories")


def test_one_start_with_two_courses_is_no_copy(path: Path) -> None:
    store = open_store(path)
    (train, other, *_), (test, *_) = store.samples("train"), store.samples("test")
    copy(path, train, test, frames=slice(0, 1))
    copy(path, train, other, frames=slice(0, 1))
    (found,) = findings(path, "duplicates")
    assert found.severity == "note"
    assert "another course" in found.found


def test_stores_looked_at_together_are_compared(path: Path, tmp_path: Path) -> None:
    twin = tiny_store(tmp_path, name="twin_periodic")
    vector(twin, "split")[:] = 2 - vector(path, "split")
    linter = Linter(("duplicates",))
    assert linter.lint(open_store(path)) == ()
    leak, copies = linter.lint(open_store(twin))
    assert (leak.severity, leak.count) == ("error", int((vector(path, "split") != 1).sum()))
    assert leak.found.endswith("of tiny_periodic")
    assert copies.found.startswith("0 distinct of 6 trajectories")
    assert lint_store(open_store(twin), checks=("duplicates",)) == ()


def test_a_run_cut_short_ends_in_zeros(path: Path) -> None:
    for field in FIELDS:
        values(path, field, 3)[8:] = 0
        values(path, field, 5)[10:] = 0
    (found,) = findings(path, "frozen")
    assert (found.severity, found.sample, found.frame, found.count) == ("warning", "3", 8, 2)
    assert "zero" in found.found


def test_a_run_that_stands_still_and_a_doubled_frame(path: Path) -> None:
    for field in FIELDS:
        values(path, field, 2)[9:] = values(path, field, 2)[8].copy()
        values(path, field, 4)[6] = values(path, field, 4)[5].copy()
    values(path, "density", 1)[5:] = values(path, "density", 1)[4].copy()
    still, doubled = findings(path, "frozen")
    assert (still.sample, still.frame, still.count) == ("2", 9, 1)
    assert (doubled.sample, doubled.frame, doubled.count) == ("4", 6, 1)


@pytest.mark.parametrize("shape", [(64,), (32, 48), (12, 16, 12)])
def test_a_ramp_along_a_periodic_axis(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = tiny_store(tmp_path, shape=shape, samples=4)
    assert findings(path, "periodic") == ()
    ramp = 30 * np.linspace(0, 1, shape[-1], dtype=np.float32)
    for sample in range(4):
        values(path, "density", sample)[:] += ramp
    (found,) = findings(path, "periodic")
    letter = "xyz"[len(shape) - 1]
    assert (found.severity, found.field) == ("warning", "density")
    assert found.found.startswith(f"along {letter}, ")
    rewrite(path, boundary=dict.fromkeys("xyz"[: len(shape)], "outflow"))
    assert findings(path, "periodic") == ()


def test_shocks_at_the_wrap_of_some_samples_are_no_boundary(tmp_path: Path) -> None:
    path = tiny_store(tmp_path, shape=(64,), samples=5)
    for sample, place in enumerate((0, 0, 17, 30, 45)):
        step = np.where((np.arange(64) - place) % 64 < 20, 100.0, 0.0).astype(np.float32)
        values(path, "density", sample)[:] += step
    assert findings(path, "periodic") == ()


@pytest.mark.parametrize(
    ("frame", "shift", "severity"), [(5, 0.0002, None), (5, 0.01, "warning"), (5, 0.06, "error")]
)
def test_jumps_in_time(path: Path, frame: int, shift: float, severity: str | None) -> None:
    vector(path, "time")[frame] += shift
    found = findings(path, "time")
    assert [each.severity for each in found] == ([severity] if severity else [])
    assert [each.frame for each in found] in ([], [frame], [frame + 1])


def test_a_time_step_that_is_not_that_of_the_times(path: Path) -> None:
    rewrite(path, time_step=0.1)
    (found,) = findings(path, "time")
    assert (found.severity, found.found) == ("warning", "a time step of 0.1, and times 0.05 apart")


@pytest.mark.parametrize("kept", [None, 100])
def test_a_missing_or_short_chunk_is_a_finding(path: Path, kept: int | None) -> None:
    file = path / "density" / "c" / "3" / "0" / "0" / "0"
    if kept is None:
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:kept])
    found, *others = findings(path)
    assert (found.severity, found.check, found.field) == ("error", "read", "density")
    assert (found.sample, found.frame, found.count) == ("3", 0, 1)
    assert str(file) in found.found
    assert others == []


def test_frames_that_cannot_be_read_are_not_judged(tmp_path: Path) -> None:
    source = tiny_source(tmp_path / "gap_periodic.hdf5")
    prepare(PrepareConfig(source=source, chunk=4))
    path = tmp_path / "zarr" / "gap_periodic.zarr"
    for field in FIELDS:
        for sample, block in ((0, 2), (1, 0), (3, 1)):
            (path / field / "c" / str(sample) / str(block) / "0" / "0").unlink()
    found = findings(path)
    assert [(each.check, each.sample, each.frame, each.count) for each in found] == [
        ("read", "0", 8, 3),
        ("read", "0", 8, 3),
    ]
    assert "density/c/0/2/0/0" in found[0].found
    with (path / "velocity_x" / "c" / "1" / "1" / "0" / "0").open("r+b") as file:
        file.write(np.float32(np.nan).tobytes())
    (nan,) = findings(path, "finite")[2:]
    assert (nan.sample, nan.frame, nan.cell) == ("1", 4, (0, 0))


def test_a_damaged_compressed_chunk_is_a_finding(tmp_path: Path) -> None:
    source = tiny_source(tmp_path / "packed_periodic.hdf5")
    prepare(PrepareConfig(source=source, compress="lz4"))
    path = tmp_path / "zarr" / "packed_periodic.zarr"
    assert findings(path) == ()
    file = path / "velocity_x" / "c" / "1" / "0" / "0" / "0"
    content = bytearray(file.read_bytes())
    content[-10] ^= 255
    file.write_bytes(content)
    assert [(each.check, each.sample) for each in findings(path)] == [("read", "1")]


def test_a_limit_leaves_the_rest_unread(path: Path) -> None:
    values(path, "density", 4)[0, 0, 0] = np.nan
    store = open_store(path)
    seen: list[int] = []
    assert Linter(limit=2).lint(store, lambda block: seen.append(block.sample)) == ()
    assert set(seen) == {0, 1}
    assert lint_store(store, checks=("time",)) == ()
