"""Several processes do what one does."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from matey_core.distributed import Place, StrategyConfig, place_of_this_process
from matey_core.errors import ConfigError
from matey_core.models import load_model
from matey_core.runs.processes import num_processes
from tests.support import tiny_store
from tests.training import TOML, events

pytestmark = pytest.mark.distributed
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def command(*arguments: str) -> list[str]:
    return ["-m", "matey_cli", "pretrain", "--config", "settings.toml", "--quiet", *arguments]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Stores of different fields and numbers of axes: each step uses other parameters."""
    folder = tmp_path_factory.mktemp("project")
    tiny_store(folder / "data", name="flow_periodic")
    tiny_store(folder / "data", name="line_periodic", shape=(16,), fields=("pressure",))
    # Muon orthogonalizes in bfloat16, which makes more of the rounding of sums than 1e-5.
    (folder / "settings.toml").write_text(f'{TOML}[optimizer]\nname = "adamw"\n')
    run = [sys.executable, *command("--steps", "10", "--name", "one", "--nproc", "1")]
    subprocess.run(run, cwd=folder, env=ENVIRONMENT, check=True)
    return folder


def check_equal(project: Path, name: str) -> None:
    one, two = (events(project / "runs" / run, "step") for run in ("one", name))
    assert [row["store"] for row in one] == [row["store"] for row in two]
    assert {row["store"] for row in one} == {"flow_periodic", "line_periodic"}
    for key in ("loss", "gradient_norm"):
        assert [row[key] for row in two] == pytest.approx([row[key] for row in one], rel=1e-4)
    expected = dict(load_model(project / "runs/one/model").named_parameters())
    for parameter, value in load_model(project / "runs" / name / "model").named_parameters():
        torch.testing.assert_close(value, expected[parameter], rtol=1e-3, atol=1e-5)


def test_nproc_equals_one_process(project: Path) -> None:
    run = [sys.executable, *command("--steps", "10", "--name", "two", "--nproc", "2")]
    done = subprocess.run(run, cwd=project, env=ENVIRONMENT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("Wrote") == 1
    check_equal(project, "two")


@pytest.mark.slow
def test_torchrun_equals_one_process(project: Path) -> None:
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    run = [*torchrun, "--nproc-per-node", "2", *command("--steps", "10", "--name", "torchrun")]
    subprocess.run(run, cwd=project, env=ENVIRONMENT, check=True)
    check_equal(project, "torchrun")


@pytest.mark.slow
def test_several_calls_of_the_model_equal_those_of_one_process(project: Path) -> None:
    calls = ["--objective", "pushforward", "--set", "objective.grow_until=0.5"]
    calls += ["--set", "objective.grow_from=0.5"]
    for name, processes in (("calls-one", "1"), ("calls-two", "2")):
        arguments = [*calls, "--steps", "4", "--name", name, "--nproc", processes]
        run = [sys.executable, *command(*arguments)]
        subprocess.run(run, cwd=project, env=ENVIRONMENT, check=True)
    one, two = (events(project / "runs" / name, "step") for name in ("calls-one", "calls-two"))
    for key in ("loss", "gradient_norm"):
        assert [row[key] for row in two] == pytest.approx([row[key] for row in one], rel=1e-4)


def started(project: Path, name: str) -> tuple["subprocess.Popen[str]", Path]:
    """A long run in two processes, and the pointer to its last checkpoint, which exists."""
    arguments = command("--steps", "5000", "--name", name, "--nproc", "2")
    process = subprocess.Popen(
        [sys.executable, *arguments, "--set", "checkpoint_every=1"],
        cwd=project,
        env=ENVIRONMENT,
        stderr=subprocess.PIPE,
        text=True,
    )
    last = project / "runs" / name / "checkpoints/last"
    while not last.exists():
        assert process.poll() is None
        time.sleep(0.05)
    return process, last


@pytest.mark.slow
def test_an_interrupt_ends_all_processes_and_keeps_the_checkpoint(project: Path) -> None:
    process, last = started(project, "cut")
    process.send_signal(signal.SIGINT)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted" in complaint
    assert "Traceback" not in complaint
    partial = [path.name for path in (project / "runs/cut").rglob("*.partial")]
    assert partial == []
    load_model(last.parent / last.read_text().strip() / "model")


@pytest.mark.slow
@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_process_is_named(project: Path, rank: int) -> None:
    """As by the kernel where memory has run out: the process cannot say so itself."""
    process, _ = started(project, f"killed-{rank}")
    workers = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    environments = {each: Path(f"/proc/{each}/environ").read_text().split("\0") for each in workers}
    (victim,) = (each for each, values in environments.items() if f"RANK={rank}" in values)
    os.kill(int(victim), signal.SIGKILL)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode in (1, 137)
    assert f"Process {rank} was killed by SIGKILL; it may have run out of memory." in complaint


def test_a_group_of_one_starts_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "LOCAL_RANK"):
        monkeypatch.setenv(name, "0")
    monkeypatch.setenv("WORLD_SIZE", "1")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert num_processes("auto", 8) == 1
    monkeypatch.delenv("RANK")
    assert num_processes("auto", 8) == 4
    for name, count in (("single", 1), ("ddp", 4)):
        assert num_processes("auto", 8, strategy=StrategyConfig.choose(name)) == count


def test_half_an_environment_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MASTER_ADDR", raising=False)
    monkeypatch.delenv("RANK", raising=False)
    assert place_of_this_process() == Place()
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError, match="MASTER_ADDR"):
        place_of_this_process()
