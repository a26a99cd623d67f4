"""Trainings that know the equation of a store, which the model is not told."""

import json
from pathlib import Path

import pytest

from matey_core.config import validate
from matey_core.errors import ConfigError
from matey_core.workflows.pretrain import PretrainConfig, pretrain
from matey_core.workflows.rollout import RolloutConfig, rollout
from matey_core.workflows.simulate import SimulateConfig, simulate
from tests.support import tiny_store

SETTINGS = {
    "steps": 40,
    "batch_size": 4,
    "max_lead": 1,
    "workers": 0,
    "device": "cpu",
    "precision": "float32",
    "loss": "nrmse",
    "model": {"variant": "fno", "width": 8, "modes": 4},
}


def trained(**settings: object) -> float:
    """The one-step error of a training."""
    config = validate(PretrainConfig, {**SETTINGS, "name": "run", **settings}, source="")
    report = pretrain(config)
    described = json.loads((report.model / "model.json").read_text())
    assert not described.get("given")
    (result,) = rollout(RolloutConfig(run=Path(str(config.name)), plot=False)).stores
    return result.one_step["temperature"]["nrmse"].error


@pytest.mark.slow
def test_a_model_learns_from_the_equation_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a linear equation the residual is the error, so both trainings are nearly the same."""
    monkeypatch.chdir(tmp_path)
    simulate(
        SimulateConfig(
            simulator="heat_2d", out=Path("data"), grid=16, samples=8, store=True, workers=1
        )
    )
    with pytest.raises(ConfigError, match="burgers_2d does not fit 2D_Heat"):
        trained(objective={"name": "residual", "equation": "burgers_2d"})
    assert not Path("runs").exists()
    supervised = trained(objective="one_step", name="supervised")
    alone = trained(objective={"name": "residual", "supervised": 0})
    assert alone == pytest.approx(supervised, rel=0.05)
    trained(objective="contrastive", name="contrastive")


@pytest.mark.slow
def test_a_store_without_an_equation_is_refused_before_there_is_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tiny_store(tmp_path / "data")
    with pytest.raises(ConfigError):
        trained(objective="residual")
    assert not Path("runs").exists()
