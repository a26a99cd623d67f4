"""prepare converts what is new, leaves what is up to date, and cleans up after itself."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from matey_core.conversion import source_files
from matey_core.errors import ConfigError, DataError, RunError
from matey_core.progress import Progress, silent
from matey_core.readers import Source
from matey_core.store import open_store
from matey_core.workflows.prepare import PrepareConfig, PrepareReport, prepare
from tests.killing import wait_until
from tests.support import tiny_source


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    tiny_source(folder / "a" / "flow.h5")
    tiny_source(folder / "height.hdf5", fields=("height",))
    return folder


def run(data: Path, **settings: object) -> PrepareReport:
    return prepare(PrepareConfig(source=data, **settings))


def statuses(report: PrepareReport) -> list[str]:
    return [row.status for row in report.rows]


def test_a_second_run_leaves_what_is_up_to_date(data: Path) -> None:
    assert statuses(run(data)) == ["converted", "converted"]
    written = {path: path.stat().st_mtime_ns for path in data.rglob("zarr.json")}
    tiny_source(data / "new.h5", frames=5)
    again = run(data)
    assert {row.store.stem: row.status for row in again.rows} == {
        "flow": "unchanged",
        "height": "unchanged",
        "new": "converted",
    }
    assert written.items() <= {p: p.stat().st_mtime_ns for p in data.rglob("zarr.json")}.items()


def test_other_settings_apply_only_with_overwrite(data: Path) -> None:
    run(data)
    kept = run(data, limit=3)
    assert statuses(kept) == ["kept", "kept"]
    assert all("other settings" in row.note for row in kept.rows)
    assert [row.samples for row in kept.rows] == [6, 6]
    redone = run(data, limit=3, overwrite=True)
    assert statuses(redone) == ["converted", "converted"]
    assert open_store(redone.rows[0].store).num_samples == 3
    assert sorted(p.name for p in (data / "zarr").iterdir()) == ["flow.zarr", "height.zarr"]


def test_a_changed_source_is_told(data: Path) -> None:
    run(data)
    tiny_source(data / "height.hdf5", fields=("height",), frames=7)
    changed = {row.store.stem: row for row in run(data).rows}
    assert changed["flow"].status == "unchanged"
    assert changed["height"].status == "kept"
    assert "changed" in changed["height"].note
    run(data, overwrite=True)
    assert open_store(changed["height"].store).num_frames == 7


def test_a_dry_run_writes_nothing(data: Path) -> None:
    report = run(data, dry_run=True)
    assert statuses(report) == ["planned", "planned"]
    flow = report.rows[0] if report.rows[0].store.stem == "flow" else report.rows[1]
    assert flow.num_bytes == 6 * 12 * 2 * 16 * 16 * 4
    assert not (data / "zarr").exists()


def test_sources_of_equal_content_are_converted_once(data: Path) -> None:
    shutil.copy(data / "height.hdf5", data / "copy.h5")
    report = run(data)
    assert sorted(statuses(report)) == ["converted", "converted", "duplicate"]
    assert len(list((data / "zarr").iterdir())) == 2
    assert sorted(statuses(run(data))) == ["duplicate", "unchanged", "unchanged"]


def test_a_moved_source_keeps_its_store(data: Path) -> None:
    run(data)
    (data / "height.hdf5").rename(data / "a" / "renamed.h5")
    assert statuses(run(data)) == ["unchanged", "unchanged"]


def test_an_old_store_keeps_its_name_beside_a_new_one(data: Path) -> None:
    run(data)
    tiny_source(data / "b" / "flow.h5", frames=5)
    stores = {row.source.parent.name: row.store.stem for row in run(data).rows}
    assert stores == {"data": "height", "a": "flow", "b": "b-flow"}
    again = {row.source.parent.name: row.store.stem for row in run(data, overwrite=True).rows}
    assert again == stores


def test_hdf5_in_the_output_folder_is_no_source(data: Path) -> None:
    out = data / "stores"
    tiny_source(out / "stray.h5", frames=5)
    assert len(run(data, out=out).rows) == 2


def test_stores_of_a_single_file_lie_beside_it(data: Path) -> None:
    report = run(data / "height.hdf5")
    assert [row.store for row in report.rows] == [data / "zarr" / "height.zarr"]


def test_files_that_differ_in_suffix_only_are_numbered(data: Path) -> None:
    tiny_source(data / "height.h5", fields=("height",), frames=4)
    names = sorted(row.store.stem for row in run(data).rows)
    assert names == ["flow", "height-2", "height-3"]


def test_one_trajectory_trains_and_the_report_says_so(tmp_path: Path) -> None:
    tiny_source(tmp_path / "one.h5", samples=1)
    (row,) = run(tmp_path).rows
    assert row.splits == (1, 0, 0)
    assert row.note == "too few trajectories for validation and test"


def test_progress_reaches_its_total(data: Path) -> None:
    reports: list[Progress] = []
    prepare(PrepareConfig(source=data), reports.append)
    for task in ("convert flow.h5", "convert height.hdf5"):
        last = [report for report in reports if report.task == task][-1]
        assert last.done == pytest.approx(last.total)


def test_bad_values_stop_the_run_and_leave_no_folder(tmp_path: Path) -> None:
    path = tiny_source(tmp_path / "a.h5")
    with h5py.File(path, "r+") as file:
        file["density"][0, 0, 0, 0] = np.nan
    with pytest.raises(DataError, match="density of sample 0"):
        run(tmp_path)
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.h5"]


def test_an_unknown_layout_is_told_before_anything_is_converted(data: Path) -> None:
    with h5py.File(data / "z.h5", "w") as file:
        file["weights"] = [1.0]
    with pytest.raises(DataError, match="weights"):
        run(data)
    assert not (data / "zarr").exists()


def test_unknown_readers_and_splits_are_refused(data: Path) -> None:
    with pytest.raises(ConfigError, match="pdebench"):
        run(data, reader="pdebunch")
    with pytest.raises(ConfigError, match="three shares"):
        run(data, split=(0.0, 0.5, 0.5))


def test_too_small_a_disk_is_told_before_the_work(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(data)._replace(free=1000)
    monkeypatch.setattr(source_files.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(RunError, match="1e-06 GB are free"):
        run(data)
    assert not (data / "zarr").exists()


def test_a_damaged_store_stops_all_but_an_overwrite(data: Path) -> None:
    run(data)
    (data / "zarr" / "flow.zarr" / "zarr.json").write_text("{}")
    with pytest.raises(DataError, match=r"flow\.zarr"):
        run(data)
    report = run(data, overwrite=True)
    assert {row.store.name for row in report.rows} == {"flow.zarr", "height.zarr"}


LIMITED = """
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10000, 10000))
from matey_core.errors import RunError
from matey_core.workflows.prepare import PrepareConfig, prepare
try:
    prepare(PrepareConfig(source=Path(sys.argv[1])))
except RunError as error:
    print(error.exit_code, error)
"""


def test_a_write_that_the_system_refuses_leaves_nothing(data: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(data)], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("1 ")
    assert "File too large" in done.stdout
    assert not (data / "zarr").exists()


HELD = """
import time
from matey_cli.app import main
from matey_core.store.writer import _Journal
add = _Journal.add
def add_some(journal, records):
    add(journal, records)
    while records and "b.zarr" in str(journal.place.path):
        time.sleep(1)
_Journal.add = add_some
main()
"""
"""The command line, where no more than the first units of b.zarr are taken in."""


@pytest.mark.slow
def test_an_interrupt_leaves_only_complete_stores(tmp_path: Path) -> None:
    data = tmp_path / "data"
    tiny_source(data / "a.h5", frames=3)
    tiny_source(data / "b.h5", samples=100, frames=30, shape=(64, 64))
    arguments = ["prepare", "pdebench", str(data)]
    process = subprocess.Popen(
        [sys.executable, "-c", HELD, *arguments], stderr=subprocess.PIPE, text=True
    )
    partial = data / "zarr" / "b.zarr.partial" / "store" / "density" / "c" / "0"
    wait_until(lambda: partial.exists() or process.poll() is not None)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "the same command goes on" in errors
    left = {entry.name for entry in (data / "zarr").iterdir()}
    assert {"a.zarr"} <= left <= {"a.zarr", "b.zarr.partial"}
    assert open_store(data / "zarr" / "a.zarr").num_frames == 3
    again = [sys.executable, "-m", "matey_cli", *arguments]
    subprocess.run(again, check=True, capture_output=True)
    assert {entry.name for entry in (data / "zarr").iterdir()} == {"a.zarr", "b.zarr"}


class Folder(Source):
    """A folder of files, of which nothing is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self, sample: int, start: int, stop: int) -> np.ndarray:
        raise NotImplementedError


def test_a_folder_is_fingerprinted_by_names_and_contents(tmp_path: Path) -> None:
    def digest(**files: str) -> str:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        for name, text in files.items():
            (folder / name).write_text(text)
        return source_files.Fingerprints(silent)[Folder(folder)]

    same, again = digest(a="1", b="2"), digest(a="1", b="2")
    assert same == again
    assert len({same, digest(a="1", b="3"), digest(a="1", c="2"), digest(a="1")}) == 4


def test_only_a_sources_own_files_count(tmp_path: Path) -> None:
    """Three files of one structure are one source; what else lies there does not matter."""
    for name in "abc":
        np.save(tmp_path / f"{name}.npy", np.random.default_rng(ord(name)).random((6, 8)))
    settings = PrepareConfig(source=tmp_path, reader="array", dims=("time", "x"))
    (row,) = prepare(settings).rows
    assert (row.status, row.samples) == ("converted", 3)
    (tmp_path / "notes.txt").write_text("later")
    assert prepare(settings).rows[0].status == "unchanged"
    np.save(tmp_path / "b.npy", np.ones((6, 8)))
    assert prepare(settings).rows[0].note.startswith("the source has changed")
