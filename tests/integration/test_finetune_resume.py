"""A stopped fine-tuning goes on bit for bit, without the run that it started from."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from matey_core.errors import CheckpointError, Interrupted
from matey_core.models import load_model
from matey_core.optimizers.adamw import AdamwConfig
from matey_core.progress import Progress
from matey_core.workflows.finetune import finetune, resume
from matey_core.workflows.pretrain import pretrain
from matey_core.workflows.pretrain import resume as resume_pretraining
from tests.killing import holding, kill_at
from tests.support import tiny_store
from tests.training import events, finetune_config, pretrain_config, tiny_model

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
LORA = {"mode": "lora", "rank": 2, "whole": ["head"]}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A pretrained model, and stores with a field and a number of axes that are new to it."""
    tiny_store(tmp_path / "data", name="flow_periodic", frames=6)
    pretrain(pretrain_config(tmp_path, steps=2, model=tiny_model(drop_path=0.2)))
    tiny_store(tmp_path / "data", name="line_periodic", shape=(16,), fields=("pressure",))
    tiny_store(tmp_path / "data", name="plane_periodic", samples=8, frames=6, fields=("pressure",))
    return tmp_path


def stop_at(step: int) -> Callable[[Progress], None]:
    def on_progress(progress: Progress) -> None:
        if progress.done == step:
            raise KeyboardInterrupt

    return on_progress


def check_same(one: Path, other: Path, *, last: str) -> None:
    assert events(one, "step") == events(other, "step")
    assert events(one, "validation") == events(other, "validation")
    for folder in ("model", f"checkpoints/{last}/model"):
        expected, found = (load_model(run / folder).state_dict() for run in (one, other))
        assert all(torch.equal(value, found[name]) for name, value in expected.items())
    for file in ("state.safetensors", "weights.safetensors"):
        paths = [run / "checkpoints" / last / file for run in (one, other)]
        assert paths[0].exists() == paths[1].exists()
        if paths[0].exists():
            expected, found = map(load_file, paths)
            assert expected.keys() == found.keys()
            assert all(torch.equal(value, found[name]) for name, value in expected.items())


@pytest.mark.parametrize(
    "settings",
    [
        {"finetune": LORA},
        {"finetune": "frozen_attention", "n_samples": 2, "tokens": 8},
        {"from_scratch": True},
    ],
    ids=["lora", "frozen", "scratch"],
)
def test_an_interrupted_run_resumes_bit_for_bit(project: Path, settings: dict[str, object]) -> None:
    settings = {
        **settings,
        "steps": 9,
        "validate_every": 3,
        "optimizer": AdamwConfig(learning_rate=0.01),
    }
    whole = finetune(finetune_config(project, name="whole", **settings))
    with pytest.raises(Interrupted, match="step-00000003 is kept"):
        finetune(finetune_config(project, name="cut", **settings), stop_at(5))
    shutil.rmtree(project / "runs/pretrain-001")
    rest = resume(project / "runs")
    assert rest.run.name == "cut"
    assert rest.start.step == 3
    assert {store.name for store in rest.start.stores} == {"line_periodic", "plane_periodic"}
    assert (rest.best_step, rest.scores) == (whole.best_step, whole.scores)
    assert rest.start.parameters == whole.start.parameters
    check_same(whole.run, rest.run, last="step-00000009")


@pytest.mark.slow
@pytest.mark.parametrize(
    "processes",
    [1, pytest.param(2, marks=pytest.mark.distributed)],
)
def test_a_killed_run_resumes_bit_for_bit(project: Path, processes: int) -> None:
    start = [sys.executable, "-m", "matey_cli", "finetune"]
    again = ["--quiet", "--device", "cpu", "--nproc", str(processes)]
    line = ["--mode", "lora", "--set", "finetune.rank=2", "--steps", "40", "--batch-size", "4"]
    line += ["--precision", "float32", "--set", "validation_batches=1"]
    line += ["--set", "validate_every=5", "--learning-rate", "0.01"]
    command = [*start, *again, *line]
    subprocess.run([*command, "--name", "whole"], cwd=project, env=ENVIRONMENT, check=True)
    run = project / "runs/cut"
    environment = holding(project / "held", run, 13)
    process = subprocess.Popen([*command, "--name", "cut"], cwd=project, env=environment)
    kill_at(process, run, 13)
    assert [row["step"] for row in events(run, "step")] == list(range(1, 14))
    shutil.rmtree(project / "runs/pretrain-001")
    continued = [*start, "--resume", "--name", "cut", "--quiet", "--nproc", str(processes)]
    subprocess.run(continued, cwd=project, env=ENVIRONMENT, check=True)
    check_same(project / "runs/whole", project / "runs/cut", last="step-00000040")


def test_what_cannot_be_continued_is_named(project: Path) -> None:
    runs = project / "runs"
    with pytest.raises(CheckpointError, match="no checkpoint") as caught:
        resume(runs)
    assert "matey finetune" in caught.value.remedy
    done = finetune(finetune_config(project, steps=1))
    with pytest.raises(CheckpointError, match="is complete"):
        resume(runs)
    with pytest.raises(CheckpointError, match="is a run of `matey pretrain`") as caught:
        resume(runs, "pretrain-001")
    assert "matey pretrain --resume --name pretrain-001" in caught.value.remedy
    with pytest.raises(CheckpointError, match="is a run of `matey finetune`"):
        resume_pretraining(runs, done.run.name)


def test_a_base_that_the_adapter_needs_is_there_and_the_same(project: Path) -> None:
    settings = {"finetune": {**LORA, "save": "adapter"}, "steps": 4, "validate_every": 1}
    finetune(finetune_config(project, name="whole", **settings))
    with pytest.raises(Interrupted):
        finetune(finetune_config(project, name="cut", **settings), stop_at(3))
    weights = project / "runs/pretrain-001/model/model.safetensors"
    kept = weights.read_bytes()
    weights.write_bytes(kept + b" ")
    with pytest.raises(CheckpointError, match="has changed since"):
        resume(project / "runs", "cut")
    weights.unlink()
    with pytest.raises(CheckpointError, match="is gone"):
        resume(project / "runs", "cut")
    weights.write_bytes(kept)
    moved = shutil.move(project / "runs", project / "moved")
    check_same(moved / "whole", resume(moved, "cut").run, last="step-00000004")


@pytest.mark.parametrize("damage", [None, "[]", '{"fields": ["u"], "stores": []}'])
def test_a_record_that_is_gone_or_damaged_is_named(project: Path, damage: str | None) -> None:
    with pytest.raises(Interrupted):
        finetune(finetune_config(project, name="cut", steps=4, validate_every=1), stop_at(3))
    record = project / "runs/cut/start.json"
    assert json.loads(record.read_text())["num_axes"] == [2]
    record.unlink()
    if damage is not None:
        record.write_text(damage)
    with pytest.raises(CheckpointError, match=r"start\.json") as caught:
        resume(project / "runs", "cut")
    assert damage is not None or "fine-tune its model further" in caught.value.remedy
