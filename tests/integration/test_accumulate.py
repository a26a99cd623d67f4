"""A batch that is computed in parts trains as one that is computed at once."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from matey_core.errors import Interrupted
from matey_core.models import ModelConfig, load_model
from matey_core.optimizers.adamw import AdamwConfig
from matey_core.progress import Progress
from matey_core.workflows.pretrain import pretrain, resume
from tests.support import files_below
from tests.training import TOML, events, pretrain_config, tiny_model

MODELS = {
    "tokens": tiny_model(),
    "fno": ModelConfig.choose({"variant": "fno", "width": 8, "depth": 2, "modes": 4}),
}
ADAMW = AdamwConfig(learning_rate=1e-3)
"""Muon orthogonalizes in bfloat16, which makes more of the rounding of sums than 1e-5."""


def stop_at(step: int) -> Callable[[Progress], None]:
    def on_progress(progress: Progress) -> None:
        if progress.done == step:
            raise KeyboardInterrupt

    return on_progress


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_micro_batches_give_the_same_training(project: Path, model: ModelConfig) -> None:
    runs = [
        pretrain(
            pretrain_config(
                project, name=f"in-{parts}", model=model, accumulate=parts, optimizer=ADAMW
            )
        ).run
        for parts in (1, 4)
    ]
    for key in ("loss", "gradient_norm"):
        whole, parts = ([row[key] for row in events(run, "step")] for run in runs)
        assert parts == pytest.approx(whole, rel=1e-5)
    whole, parts = ([row["score"] for row in events(run, "validation")] for run in runs)
    assert parts == pytest.approx(whole, rel=1e-5)
    expected = dict(load_model(runs[0] / "model").named_parameters())
    for name, value in load_model(runs[1] / "model").named_parameters():
        torch.testing.assert_close(value, expected[name], rtol=1e-3, atol=1e-5)


def test_a_stopped_run_resumes_bit_for_bit(project: Path) -> None:
    settings = {"accumulate": 2, "steps": 4, "validate_every": 2}
    whole = pretrain(pretrain_config(project, name="whole", **settings))
    with pytest.raises(Interrupted, match="step-00000002 is kept"):
        pretrain(pretrain_config(project, name="cut", **settings), stop_at(3))
    rest = resume(project / "runs", "cut")
    assert events(rest.run, "step") == events(whole.run, "step")
    assert files_below(rest.model) == files_below(whole.model)


def test_time_and_tokens_are_planned_with_micro_batches(project: Path) -> None:
    timed = pretrain(pretrain_config(project, minutes=0.03, accumulate=2, seconds=10.0))
    assert timed.steps >= 1
    (note,) = (note for note in timed.start.notes if "budget" in note)
    assert "a step of 4 windows, measured" in note


@pytest.mark.slow
@pytest.mark.distributed
def test_two_processes_average_once_a_step(project: Path) -> None:
    (project / "settings.toml").write_text(f'{TOML}[optimizer]\nname = "adamw"\n')
    line = [sys.executable, "-m", "matey_cli", "pretrain", "--config", "settings.toml"]
    line += ["--steps", "6", "--device", "cpu"]
    for name, options in (("one", ()), ("two", ("--nproc", "2", "--accumulate", "2"))):
        subprocess.run([*line, "--name", name, *options], cwd=project, check=True)
    one, two = (events(project / "runs" / name, "step") for name in ("one", "two"))
    for key in ("loss", "gradient_norm"):
        assert [row[key] for row in two] == pytest.approx([row[key] for row in one], rel=1e-4)
