"""One process at a time trains a run, and none is left behind."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.killing import ended, is_running, matey_done, matey_process, wait_until
from tests.support import tiny_store
from tests.training import TOML, events

LINE = ("--config", "settings.toml", "--set", "validate_every=1000", "--device", "cpu", "--quiet")


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    tiny_store(folder / "data", name="flow_periodic")
    (folder / "settings.toml").write_text(TOML)
    return folder


def steps(run: Path) -> list[int]:
    return [row["step"] for row in events(run, "step")]


def test_a_second_process_is_told_who_trains_the_run(project: Path) -> None:
    run = project / "runs/busy"
    saved = ("--set", "checkpoint_every=1", "--steps", 2000, "--name", "busy")
    first = matey_process(project, "pretrain", *LINE, *saved)
    wait_until((run / "checkpoints/last").exists)
    assert matey_done(project, "pretrain", "--resume", "--name", "busy") == 1
    complaint = (project / "stderr").read_text()
    assert f"It is process {first.pid} on " in complaint
    assert first.pid is not None
    os.kill(first.pid, signal.SIGKILL)
    assert ended(first) == -9
    assert steps(run) == list(range(1, len(steps(run)) + 1))


@pytest.mark.distributed
def test_processes_end_with_their_launcher(project: Path) -> None:
    run = project / "runs/orphaned"
    line = [sys.executable, "-m", "matey_cli", "pretrain", *map(str, LINE), "--nproc", "2"]
    line += ["--set", "checkpoint_every=1", "--steps", "2000", "--name", "orphaned"]
    launcher = subprocess.Popen(line, cwd=project, stderr=subprocess.DEVNULL)
    try:
        wait_until((run / "checkpoints/last").exists)
    except TimeoutError:
        launcher.kill()
        raise
    children = Path(f"/proc/{launcher.pid}/task/{launcher.pid}/children").read_text().split()
    assert len(children) == 2
    launcher.kill()
    launcher.wait()
    try:
        wait_until(lambda: not any(map(is_running, children)), seconds=30)
    finally:
        for child in filter(is_running, children):
            os.kill(int(child), signal.SIGKILL)
    # The lock was that of a process that is gone.
    again = matey_process(project, "pretrain", "--resume", "--name", "orphaned")
    wait_until(lambda: bool(events(run, "start")[1:]))
    again.kill()
    assert ended(again) == -9
    assert steps(run) == list(range(1, len(steps(run)) + 1))
