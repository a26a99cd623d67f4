"""Another process reads the metadata of HDF5 files first, as the library may loop on them."""

import os
import select
import shutil
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import h5py
import pytest

from matey_core.containers import trial
from matey_core.containers.trial import check_metadata, child, process
from matey_core.errors import DataError
from matey_core.readers import READERS
from matey_core.workflows.prepare import PrepareConfig, prepare
from tests.support import tiny_source

MAY_FORK = process.may_fork
FREE = bytes(8)
"""Index 0, which marks the free space of a heap, and what is reserved."""


@pytest.fixture(scope="module")
def endless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file whose heap of texts has a free space of size 0: the library looks for its end."""
    path = tiny_source(tmp_path_factory.mktemp("endless") / "a.h5", samples=2, frames=3)
    content = bytearray(path.read_bytes())
    place = content.index(b"GCOL") + 16
    while content[place : place + 8] != FREE:
        size = int.from_bytes(content[place + 8 : place + 16], "little")
        place += 16 + (size + 7) // 8 * 8
    content[place + 8 : place + 16] = bytes(8)
    path.write_bytes(content)
    return path


@pytest.fixture(autouse=True, params=["forked", "spawned"])
def short(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """A deadline of a tenth of what it is, in a process that starts with the test."""
    trial.end()
    monkeypatch.setattr(trial, "MOST_SECONDS", 0.2)
    monkeypatch.setattr(process, "may_fork", lambda: request.param == "forked")
    yield
    trial.end()


@pytest.fixture
def alone() -> None:
    """Nothing is known of any file."""
    trial._verdicts.clear()


def test_a_file_that_the_library_never_ends_is_damaged(endless: Path) -> None:
    with pytest.raises(DataError, match=r"a\.h5 is damaged: the HDF5 library finds no end"):
        check_metadata(endless)


@pytest.mark.parametrize("reader", ["pdebench", "the_well", "auto", "netcdf", "hdf5"])
def test_every_reader_is_kept_from_it(endless: Path, tmp_path: Path, reader: str) -> None:
    shutil.copyfile(endless, tmp_path / "a.h5")
    shutil.copystat(endless, tmp_path / "a.h5")
    assert not READERS[reader]().recognizes(endless)
    with pytest.raises(DataError, match=r"a\.h5"):
        READERS[reader]().open(endless)


def test_prepare_ends_with_a_sentence_and_nothing_on_the_disk(endless: Path) -> None:
    with pytest.raises(DataError, match="finds no end"):
        prepare(PrepareConfig(reader="auto", source=endless.parent))
    assert list(endless.parent.iterdir()) == [endless]


@pytest.mark.usefixtures("alone")
def test_one_process_serves_all_files_until_one_ends_it(endless: Path, tmp_path: Path) -> None:
    files = [tiny_source(tmp_path / f"{k}.h5", samples=1, frames=2) for k in range(4)]
    processes = []
    for path in (*files[:2], endless, *files[2:], *files):
        try:
            check_metadata(path)
        except DataError:
            assert path == endless
        processes.append(trial._reader.pid if trial._reader else None)
    before, after = processes[0], processes[3]
    assert processes == [before, before, None, *[after] * 6]
    assert before != after


@pytest.mark.usefixtures("alone")
def test_a_crash_of_the_library_is_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tiny_source(tmp_path / "a.h5", samples=1, frames=2)
    (tmp_path / "child.py").write_text("import os\ninput()\nos.abort()\n")
    monkeypatch.setattr(process, "CHILD", tmp_path / "child.py")
    monkeypatch.setattr(child, "read_through", lambda path: os.abort())
    with pytest.raises(DataError, match=r"crashes on its metadata \(exit code -6\)"):
        check_metadata(path)


@pytest.mark.usefixtures("alone")
def test_ctrl_c_ends_the_wait_and_no_answer_counts_for_another_file(
    endless: Path, tmp_path: Path
) -> None:
    known = signal.signal(signal.SIGALRM, signal.default_int_handler)
    signal.setitimer(signal.ITIMER_REAL, 0.1)
    try:
        with pytest.raises(KeyboardInterrupt):
            check_metadata(endless)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, known)
    check_metadata(tiny_source(tmp_path / "a.h5", samples=1, frames=2))
    with pytest.raises(DataError, match="finds no end"):
        check_metadata(endless)


def test_a_file_that_changes_is_read_again(endless: Path, tmp_path: Path) -> None:
    path = tiny_source(tmp_path / "a.h5", samples=2, frames=3)
    check_metadata(path)
    shutil.copyfile(endless, path)
    with pytest.raises(DataError, match="finds no end"):
        check_metadata(path)


def test_a_forked_process_asks_one_of_its_own(endless: Path, tmp_path: Path) -> None:
    check_metadata(tiny_source(tmp_path / "a.h5", samples=1, frames=2))
    known = trial._reader
    assert known is not None
    if not (child := os.fork()):
        check_metadata(tiny_source(tmp_path / "b.h5", samples=1, frames=2))
        is_own = trial._reader is not None and trial._reader.pid != known.pid
        trial.end()
        os._exit(0 if is_own else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert known.is_alive()


def test_a_process_is_forked_only_where_a_copy_can_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tiny_source(tmp_path / "a.h5", samples=1, frames=2)
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    with h5py.File(path):
        assert not MAY_FORK()
    monkeypatch.setattr(h5py.h5f, "get_obj_count", lambda *_: 0)
    assert MAY_FORK() == (sys.platform == "linux")
    monkeypatch.setattr(threading, "active_count", lambda: 2)
    assert not MAY_FORK()


def test_the_other_process_holds_nothing_open_of_this_one(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    os.set_inheritable(writing, True)
    check_metadata(tiny_source(tmp_path / "a.h5", samples=1, frames=2))
    assert trial._reader is not None
    os.close(writing)
    assert select.select([reading], [], [], 5.0)[0]
    assert os.read(reading, 1) == b""
    os.close(reading)
