"""Averaged weights are what is scored and saved, and a stopped training keeps them bit for bit."""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from matey_core.errors import ConfigError, Interrupted
from matey_core.models import load_model
from matey_core.progress import Progress
from matey_core.training import WeightAverage
from matey_core.workflows.finetune import finetune
from matey_core.workflows.finetune import resume as resume_finetuning
from matey_core.workflows.pretrain import pretrain, resume
from tests.support import files_below
from tests.training import events, finetune_config, pretrain_config

METHODS = [
    {"ema": 0.5},
    pytest.param(
        {"optimizer": "schedule_free", "schedule": "constant"},
        marks=pytest.mark.skipif(not find_spec("schedulefree"), reason="needs schedulefree"),
    ),
]


def stop_at(step: int) -> Callable[[Progress], None]:
    def on_progress(progress: Progress) -> None:
        if progress.done == step:
            raise KeyboardInterrupt

    return on_progress


def test_an_average_forgets_its_start_and_then_follows_with_its_decay() -> None:
    module = torch.nn.Linear(1, 1, bias=False)
    torch.nn.init.zeros_(module.weight)
    average = WeightAverage(module, 0.75)
    torch.nn.init.ones_(module.weight)
    average.update(0)
    assert average.values["weight"].item() == pytest.approx(0.9)
    average.update(1000)
    assert average.values["weight"].item() == pytest.approx(0.925)


@pytest.mark.parametrize("method", METHODS)
def test_a_stopped_run_resumes_bit_for_bit(project: Path, method: dict[str, object]) -> None:
    settings = {"steps": 6, "validate_every": 2, **method}
    whole = pretrain(pretrain_config(project, name="whole", **settings))
    with pytest.raises(Interrupted, match="step-00000002 is kept"):
        pretrain(pretrain_config(project, name="cut", **settings), stop_at(3))
    rest = resume(project / "runs", "cut")
    for kind in ("step", "validation"):
        assert events(rest.run, kind) == events(whole.run, kind)
    for folder in ("model", "checkpoints/step-00000006"):
        assert files_below(rest.run / folder) == files_below(whole.run / folder)
    last = whole.run / "checkpoints/step-00000006"
    trained = load_file(last / "weights.safetensors")
    saved = load_model(last / "model").state_dict()
    assert saved.keys() == trained.keys()
    assert any(not torch.equal(value, trained[name]) for name, value in saved.items())
    if "ema" in method:
        averages = load_file(last / "state.safetensors")
        assert all(
            torch.equal(averages[f"average.{name}"], saved[name])
            for name, _ in load_model(last / "model").named_parameters()
        )


def test_a_fine_tuning_merges_the_average_of_its_factors(project: Path) -> None:
    pretrain(pretrain_config(project, steps=1))
    settings = {
        "steps": 4,
        "validate_every": 2,
        "ema": 0.5,
        "finetune": {"mode": "lora", "rank": 2},
    }
    whole = finetune(finetune_config(project, name="whole", **settings))
    with pytest.raises(Interrupted):
        finetune(finetune_config(project, name="cut", **settings), stop_at(3))
    rest = resume_finetuning(project / "runs", "cut")
    assert events(rest.run, "validation") == events(whole.run, "validation")
    assert files_below(rest.model) == files_below(whole.model)
    plain = finetune(finetune_config(project, name="plain", **{**settings, "ema": None}))
    assert events(plain.run, "step") == events(whole.run, "step")
    assert events(plain.run, "validation")[1:] != events(whole.run, "validation")[1:]


def test_two_averages_are_one_too_many(project: Path) -> None:
    with pytest.raises((ConfigError, ValueError), match="leave ema out"):
        pretrain_config(project, ema=0.9, optimizer="schedule_free")
