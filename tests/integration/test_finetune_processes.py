"""Adapters train in several processes as they do in one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from matey_core.workflows.pretrain import pretrain
from tests.support import tiny_store
from tests.training import events, pretrain_config

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
LINE = "finetune --mode lora --steps 6 --batch-size 4 --precision float32 --learning-rate 0.02"


@pytest.mark.slow
@pytest.mark.distributed
def test_two_processes_and_shared_samples_equal_one_process(tmp_path: Path) -> None:
    tiny_store(tmp_path / "data", name="flow_periodic", frames=6)
    pretrain(pretrain_config(tmp_path, steps=2))
    tiny_store(tmp_path / "data", name="line_periodic", shape=(16,), fields=("pressure",), frames=6)
    losses = {}
    for name, options in {
        "one": "--nproc 1",
        "two": "--nproc 2",
        "shared": "--nproc 2 --sequence-parallel 2",
    }.items():
        line = f"{LINE} --data data --device cpu --quiet --name {name} {options}"
        command = [sys.executable, "-m", "matey_cli", *line.split()]
        subprocess.run(command, cwd=tmp_path, env=ENVIRONMENT, check=True)
        rows = events(tmp_path / "runs" / name, "step")
        losses[name] = [row[key] for row in rows for key in ("loss", "gradient_norm")]
    assert len(losses["one"]) == 12
    assert losses["two"] == pytest.approx(losses["one"], rel=1e-4)
    assert losses["shared"] == pytest.approx(losses["one"], rel=1e-4)
