"""`configs/slurm.sbatch` with real processes, and stand-ins for the commands of SLURM."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.killing import wait_until
from tests.support import tiny_store
from tests.training import TOML, events

pytestmark = pytest.mark.distributed
SCRIPT = Path(__file__).resolve().parents[2] / "configs" / "slurm.sbatch"
COMMANDS = {
    # Starts two tasks with the variables of a step, and passes SIGUSR1 on, as the real one does.
    "srun": """
pids=()
trap 'kill -USR1 "${pids[@]}"' USR1
export SLURM_STEP_NUM_TASKS=2 SLURM_STEP_NUM_NODES=1 SLURM_STEP_NODELIST=localhost SLURM_STEP_ID=0
for rank in 0 1; do SLURM_PROCID=$rank SLURM_LOCALID=$rank "$@" & pids+=($!); done
code=0
for pid in "${pids[@]}"; do
  wait "$pid"; ended=$?
  while [ "$ended" -eq 138 ]; do wait "$pid"; ended=$?; done
  [ "$ended" -gt "$code" ] && code=$ended
done
exit "$code"
""",
    "scontrol": 'echo "$@" >> scontrol.log\n',
    "matey": f'exec {sys.executable} -m matey_cli "$@"\n',
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    tiny_store(tmp_path / "data", name="flow_periodic")
    (tmp_path / "settings.toml").write_text(TOML)
    (tmp_path / "bin").mkdir()
    for name, text in COMMANDS.items():
        path = tmp_path / "bin" / name
        path.write_text(f"#!/bin/bash\n{text}")
        path.chmod(0o755)
    return tmp_path


def job(project: Path, steps: int) -> "subprocess.Popen[str]":
    line = ["bash", str(SCRIPT), "--config", "settings.toml", "--device", "cpu", "--quiet"]
    path = f"{project / 'bin'}:{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "OMP_NUM_THREADS": "1", "SLURM_JOB_ID": "4711"}
    # Those of a batch script, which is no task of a step.
    environment |= {"SLURM_PROCID": "0", "SLURM_NTASKS": "2", "STEPS": str(steps)}
    return subprocess.Popen(
        line,
        cwd=project,
        env=environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_job_is_queued_again_twice_before_its_time_is_over_and_goes_on(project: Path) -> None:
    run, steps, taken = project / "runs/slurm-4711", 60, 0
    journal = run / "journal.jsonl"
    for times in (1, 2):
        cut = job(project, steps)
        wait_until(lambda: journal.exists() and len(events(run, "step")) > taken + 3)  # noqa: B023
        cut.send_signal(signal.SIGUSR1)
        _, said = cut.communicate(timeout=200)
        assert cut.returncode == 143, said
        assert (project / "scontrol.log").read_text() == times * "requeue 4711\n"
        before, taken = taken, len(events(run, "step"))
        assert before + 3 < taken < steps
        assert (run / "checkpoints/last").read_text() == f"step-{taken:08d}\n"

    last = job(project, steps)
    _, said = last.communicate(timeout=200)
    assert last.returncode == 0, said
    assert [row["step"] for row in events(run, "step")] == list(range(1, steps + 1))
    assert [row["processes"] for row in events(run, "start")] == [2, 2, 2]
    assert [path.name for path in (project / "runs").iterdir()] == ["slurm-4711"]
    assert (project / "scontrol.log").read_text() == 2 * "requeue 4711\n"
