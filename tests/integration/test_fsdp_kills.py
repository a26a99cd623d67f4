"""A kill of a process that holds part of a model costs the work since the last checkpoint."""

import signal
from pathlib import Path

import pytest

from tests.interrupting import Interruption, check_equal, interrupted_group
from tests.killing import ended, holding, matey_process
from tests.support import tiny_store
from tests.training import TOML, events

pytestmark = [pytest.mark.distributed, pytest.mark.slow, pytest.mark.timeout(1200)]
STEPS = 16
LINE = ("pretrain", "--config", "settings.toml", "--steps", STEPS, "--quiet", "--device", "cpu")
LINE += ("--set", "validate_every=4", "--set", "checkpoint_every=2", "--set", "ema=0.9")
LINE += ("--nproc", 2, "--set", "strategy=fsdp")
KILLED = -signal.SIGKILL
MEMORY = 128 + signal.SIGKILL
"""Exit code of a launcher one of whose processes was killed."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of each number of axes, and a run of two processes that were never interrupted."""
    folder = tmp_path_factory.mktemp("project")
    tiny_store(folder / "data", name="flow_periodic")
    tiny_store(folder / "data", name="line_periodic", shape=(16,), fields=("pressure",))
    (folder / "settings.toml").write_text(TOML)
    assert done(folder, *LINE, "--name", "whole") == 0, (folder / "stderr").read_text()
    return folder


def done(project: Path, *line: object) -> int:
    """Run to the end, also on a busy machine."""
    return ended(matey_process(project, *line), seconds=400)


@pytest.mark.parametrize("rank", [None, 0, 1], ids=["launcher", "rank 0", "rank 1"])
def test_a_kill_ends_all_and_the_run_goes_on_bit_for_bit(project: Path, rank: int | None) -> None:
    name = f"cut-{rank}"
    run = project / "runs" / name
    kill = Interruption(signal=signal.SIGKILL, rename=None, step=7, delay=0.0, to_rank=rank)
    held = holding(project / f"held-{rank}", run, 7)
    code = interrupted_group(project, (*LINE, "--name", name), run, kill, environment=held)
    assert code in ((KILLED,) if rank is None else (1, MEMORY))
    assert [row["step"] for row in events(run, "step")] == list(range(1, 8))
    again = ("pretrain", "--resume", "--name", name, "--quiet", "--nproc", 2)
    assert done(project, *again) == 0, (project / "stderr").read_text()
    assert [row["step"] for row in events(run, "start")] == [0, 6]
    check_equal(run, project / "runs/whole", steps=STEPS)
