"""Problems without time, from a simulation to a prediction: source and coefficients in."""

import json
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import matey_core
from matey_core.config import validate
from matey_core.errors import ConfigError
from matey_core.workflows.finetune import FinetuneConfig, finetune
from matey_core.workflows.finetune import resume as resume_finetuning
from matey_core.workflows.pretrain import PretrainConfig, pretrain
from matey_core.workflows.rollout import RolloutConfig, rollout
from matey_core.workflows.simulate import SimulateConfig, simulate

SETTINGS = {
    "steps": 6,
    "batch_size": 4,
    "objective": "one_step",
    "workers": 0,
    "device": "cpu",
    "precision": "float32",
}


def test_a_steady_problem_is_trained_and_predicted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    simulate(
        SimulateConfig(
            simulator="poisson", out=Path("data"), grid=16, samples=10, store=True, workers=1
        )
    )
    values = {**SETTINGS, "history": 1, "model": {"variant": "fno", "width": 8, "modes": 4}}
    first = {**values, "given": ["source"], "name": "first"}
    pretrain(validate(PretrainConfig, first, source=""))
    more = {**SETTINGS, "source": "runs/first", "given": ["k11"], "steps": 4, "data": "data"}
    tuned = finetune(validate(FinetuneConfig, {**more, "name": "tuned"}, source=""))
    described = json.loads((tuned.model / "model.json").read_text())
    assert described["fields"] == ["solution"]
    assert list(described["given"]) == ["source", "k11"]
    (result,) = rollout(RolloutConfig(run=Path("tuned"), plot=False)).stores
    assert list(result.one_step) == ["solution"]
    assert result.steps == 1

    store = xr.open_zarr(next(Path("data/zarr").iterdir()))
    sample = [list(store["sample"].values).index(result.samples[0])]
    model = matey_core.load("tuned")
    known = store.isel(sample=sample, time=0, drop=True)[["source", "param_k11"]]
    predicted = model.predict(known, steps=1)
    rolled = xr.open_zarr(result.path)["solution"][:1]
    np.testing.assert_allclose(predicted["solution"].values, rolled.values, rtol=1e-4, atol=1e-6)
    whole = model.predict(store.isel(sample=sample, time=slice(0, 1)), steps=1)
    assert np.array_equal(whole["solution"].values, predicted["solution"].values)
    with pytest.raises(ConfigError, match="trained with k11 given"):
        model.predict(known[["source"]], steps=1)

    resume_finetuning(Path("runs"), "tuned", steps=5)
    assert list(json.loads((tuned.model / "model.json").read_text())["given"]) == ["source", "k11"]
