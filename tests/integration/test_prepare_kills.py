"""Killed at any moment, prepare goes on to the same store, byte for byte."""

import hashlib
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import h5py
import numpy as np
import pytest

ROUNDS = [pytest.param(20, marks=pytest.mark.slow), 2]
LINUX = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file that is worth sharing among workers, of flow in two fields."""
    path = tmp_path_factory.mktemp("kills") / "flow.h5"
    values = np.random.default_rng(0).random((40, 16, 128, 128), dtype="f4")
    with h5py.File(path, "w") as file:
        file["density"] = values
        file["Vx"] = values[::-1]
        for axis in "xy":
            file[f"{axis}-coordinate"] = np.arange(128, dtype="f4")
        file["t-coordinate"] = np.arange(17, dtype="f4")
    return path


PAST_CACHE = (
    "from matey_core.store import writer; writer.LARGE = 0; import matey_cli.app as app; app.main()"
)
"""Writes as for large stores."""


def command(source: Path, out: Path) -> list[str]:
    options = ["--out", str(out), "--workers", "2", "--compress", "lz4", "--no-check"]
    return [sys.executable, "-c", PAST_CACHE, "prepare", "pdebench", str(source), *options]


def digests(folder: Path) -> dict[str, str]:
    """Every file below a folder and the hash of its content."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


def members(session: int) -> list[int]:
    """Living processes of a session."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, of = entry.read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(of) == session and state != "Z":
            found.append(int(entry.parent.name))
    return found


def wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    """Wait until a file is there, or the process has ended."""
    deadline = time.monotonic() + 60
    while not path.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)


def is_worker(pid: int) -> bool:
    """Whether a process is a worker, and not the parent or a helper of Python's own."""
    try:
        return b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


@LINUX
@pytest.mark.timeout(600)
@pytest.mark.parametrize("rounds", ROUNDS)
def test_killed_anywhere_it_goes_on_to_the_same_bytes(
    tmp_path: Path, source: Path, rounds: int
) -> None:
    started = time.monotonic()
    subprocess.run(command(source, tmp_path / "whole"), check=True, capture_output=True)
    duration = time.monotonic() - started
    expected = digests(tmp_path / "whole")
    assert len(expected) > 80
    dice = random.Random(rounds)
    unfinished = 0
    for number in range(rounds):
        out = tmp_path / str(number)
        process = subprocess.Popen(
            command(source, out), start_new_session=True, stderr=subprocess.PIPE, text=True
        )
        if number % 2:
            time.sleep(dice.uniform(0.2, 0.8) * duration)
        else:
            wait_for(out / "flow.zarr.partial" / "journal.jsonl", process)
            time.sleep(dice.uniform(0, 0.1) * duration)
        workers = [pid for pid in members(process.pid) if is_worker(pid)]
        victim = dice.choice([process.pid, *workers])
        with suppress(ProcessLookupError):  # it may just have ended by itself
            os.kill(victim, signal.SIGKILL)
        _, errors = process.communicate(timeout=60)
        assert "Traceback" not in errors
        assert process.returncode in (0, 1, -signal.SIGKILL)
        deadline = time.monotonic() + 20
        while (left := members(process.pid)) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not left, "orphans"
        unfinished += not (out / "flow.zarr").exists()
        assert {entry.name for entry in out.glob("*")} <= {"flow.zarr", "flow.zarr.partial"}
        subprocess.run(command(source, out), check=True, capture_output=True)
        assert digests(out) == expected
    assert unfinished >= rounds // 4, "the kills came too late to prove anything"


def test_two_at_once_do_not_mix(tmp_path: Path, source: Path) -> None:
    first = subprocess.Popen(
        command(source, tmp_path), stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "flow.zarr.partial/lock").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    second = subprocess.run(command(source, tmp_path), capture_output=True, text=True)
    _, errors = first.communicate(timeout=60)
    assert first.returncode == 0, errors
    if second.returncode:  # it may also have come after the first was done
        assert second.returncode == 1
        assert "Another process is writing" in second.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["flow.zarr"]


UNGUARDED = """
import sys
from pathlib import Path
from matey_core.workflows.prepare import PrepareConfig, prepare
config = PrepareConfig(source=Path(sys.argv[1]), out=Path(sys.argv[2]), workers=2, check=False)
print(prepare(config).rows[0].status)
"""


def test_a_script_needs_no_guard(tmp_path: Path, source: Path) -> None:
    words = [sys.executable, "-", str(source), str(tmp_path)]
    done = subprocess.run(words, input=UNGUARDED, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("converted\n", "")
