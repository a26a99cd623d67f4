"""A training that asks for more than states, from its start over a stop to a fine-tuning."""

import json
from pathlib import Path

import pytest
import torch

from matey_core.config import validate
from matey_core.errors import ConfigError, Interrupted
from matey_core.models import load_model
from matey_core.progress import Progress
from matey_core.workflows.finetune import FinetuneConfig, finetune
from matey_core.workflows.pretrain import PretrainConfig, pretrain, resume
from matey_core.workflows.simulate import SimulateConfig, simulate
from tests.training import events

SETTINGS = {
    "steps": 4,
    "batch_size": 4,
    "history": 4,
    "max_lead": 1,
    "validate_every": 2,
    "workers": 0,
    "device": "cpu",
    "precision": "float32",
}
MODEL = {"variant": "fno", "preset": "nano", "width": 4, "modes": 2}


def stop_at_3(progress: Progress) -> None:
    if progress.done == 3:
        raise KeyboardInterrupt


def test_a_run_goes_on_bit_for_bit_and_fine_tuning_starts_from_its_last_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    simulate(
        SimulateConfig(
            simulator="advection_1d", out=Path("data"), grid=16, samples=8, store=True, workers=1
        )
    )
    terms = [{"objective": "coefficient"}, {"objective": "jigsaw", "weight": 0.5}]
    objective = {"name": "weighted", "terms": terms}
    values = {**SETTINGS, "model": MODEL, "objective": objective}
    whole = pretrain(validate(PretrainConfig, {**values, "name": "whole"}, source=""))
    assert not whole.validations
    assert whole.best_step == 4
    assert any("predicts no later state" in note for note in whole.start.notes)
    with pytest.raises(Interrupted, match="step-00000002 is kept"):
        pretrain(validate(PretrainConfig, {**values, "name": "cut"}, source=""), stop_at_3)
    rest = resume(Path("runs"), "cut")
    assert events(rest.run, "step") == events(whole.run, "step")
    last = [load_model(each.model, with_answers=True) for each in (whole, rest)]
    for name, weight in last[0].state_dict().items():
        assert torch.equal(weight, last[1].get_parameter(name))
    assert last[0].fields[:2] == ("concentration", "_answer:coefficient_beta")
    (first, *_) = events(whole.run, "step")
    assert 0.2 < first["loss"] < 6  # 1 and half of 1, for who says nothing

    more = {**SETTINGS, "source": "runs/whole", "data": "data", "steps": 1, "name": "tuned"}
    tuned = finetune(validate(FinetuneConfig, {**more, "objective": "one_step"}, source=""))
    assert json.loads((tuned.model / "model.json").read_text())["fields"] == ["concentration"]
    wrong = {"name": "coefficient", "parameters": ["mass"]}
    with pytest.raises(ConfigError, match=r"No store has mass.* parameters are beta"):
        pretrain(validate(PretrainConfig, {**values, "objective": wrong}, source=""))
