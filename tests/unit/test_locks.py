"""One process at a time works in a folder, and the others are told which."""

import os
import shutil
import threading
from pathlib import Path

import pytest

from matey_core import locks
from matey_core.errors import RunError
from matey_core.locks import locked

LONG = 60.0
"""Seconds that pass on no machine."""


def test_who_works_in_a_folder_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "PATIENCE", 0.0)
    with (
        locked(tmp_path / "run", busy="outer"),
        pytest.raises(
            RunError, match=rf"^Busy\. It is process {os.getpid()} on .*, since \d{{4}}-"
        ),
        locked(tmp_path / "run", busy="Busy."),
    ):
        pass
    with locked(tmp_path / "run", busy="free again"):
        pass


def test_a_holder_that_is_about_to_end_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "PATIENCE", LONG)
    holds, ends = threading.Event(), threading.Event()

    def hold() -> None:
        with locked(tmp_path, busy="first"):
            holds.set()
            ends.wait(LONG)

    holder = threading.Thread(target=hold)
    holder.start()
    holds.wait(LONG)
    threading.Timer(0.3, ends.set).start()
    with locked(tmp_path, busy="second"):
        assert ends.is_set()
    holder.join()


def test_a_lock_that_was_removed_with_its_folder_counts_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run that kept nothing is removed by the process that holds its lock."""
    monkeypatch.setattr(locks, "PATIENCE", LONG)
    folder, holds, ends = tmp_path / "run", threading.Event(), threading.Event()

    def hold() -> None:
        with locked(folder, busy="first"):
            holds.set()
            ends.wait(LONG)
            shutil.rmtree(folder)

    holder = threading.Thread(target=hold)
    holder.start()
    holds.wait(LONG)
    threading.Timer(0.3, ends.set).start()
    with locked(folder, busy="second"):
        holder.join()
        assert (folder / "lock").exists()
