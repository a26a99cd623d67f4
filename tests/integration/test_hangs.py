"""A process that hangs is named within the timeout, and none is left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.killing import wait_until
from tests.support import tiny_store
from tests.training import TOML

pytestmark = [pytest.mark.distributed, pytest.mark.slow, pytest.mark.timeout(600)]
TIMEOUT = 0.1
"""Minutes."""
TRAINING = (
    "-m",
    "matey_cli",
    "pretrain",
    "--config",
    "settings.toml",
    "--quiet",
    "--device",
    "cpu",
)
TRAINING += ("--steps", "100000", "--set", "checkpoint_every=1", "--name", "long")
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    tiny_store(tmp_path / "data", name="flow_periodic")
    (tmp_path / "settings.toml").write_text(TOML)
    return tmp_path


def started(project: Path, *command: str) -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, *command],
        cwd=project,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
    )
    last = project / "runs/long/checkpoints/last"
    wait_until(lambda: last.exists() or process.poll() is not None, seconds=200)
    assert process.poll() is None, process.communicate()[1]
    return process


def workers_of(process: "subprocess.Popen[str]") -> dict[int, int]:
    """Numbers of the processes that a launcher has started, by rank."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    found = {}
    for child in map(int, children):
        values = dict(
            line.partition("=")[::2]
            for line in Path(f"/proc/{child}/environ").read_text().split("\0")
        )
        if "RANK" in values:
            found[int(values["RANK"])] = child
    return found


def has_ended(number: int) -> bool:
    """Whether a process is gone, or waits for nobody but its parent."""
    try:
        status = Path(f"/proc/{number}/stat").read_text()
    except FileNotFoundError:
        return True
    return status.rpartition(")")[2].split()[0] == "Z"


@pytest.mark.parametrize("strategy", ["ddp", "fsdp"])
@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_stops_is_named(project: Path, rank: int, strategy: str) -> None:
    settings = (
        "--set",
        f"strategy.name={strategy}",
        "--set",
        f"strategy.timeout_minutes={TIMEOUT}",
    )
    process = started(project, *TRAINING, "--nproc", "2", *settings)
    workers = workers_of(process)
    os.kill(workers[rank], signal.SIGSTOP)
    began = time.monotonic()
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == 1
    assert f"Process {rank}" in complaint
    assert "no sign of life" in complaint
    assert "--resume" in complaint
    assert "Traceback" not in complaint
    assert time.monotonic() - began < 60 * TIMEOUT + 60
    assert all(map(has_ended, workers.values()))


def test_workers_end_with_torchrun(project: Path) -> None:
    torchrun = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    process = started(project, *torchrun, *TRAINING)
    workers = workers_of(process)
    assert sorted(workers) == [0, 1]
    process.kill()
    process.communicate()
    wait_until(lambda: all(map(has_ended, workers.values())), seconds=20)
