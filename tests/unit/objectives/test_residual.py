"""What satisfies the equation costs nothing, with or without targets."""

import math
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from torch import Tensor

from matey_core.batches import FieldBatch, Prediction
from matey_core.errors import ConfigError
from matey_core.fields import Field, FieldSpec, Grid
from matey_core.losses.change import change
from matey_core.losses.nrmse import nrmse
from matey_core.objectives.residual import ResidualConfig
from matey_core.runs.trained import Trained
from matey_core.store import Store
from matey_core.workflows.profile.method import method_of

NU = torch.tensor([0.002, 0.01, 0.02])
GRID = Grid(axes=("x", "y"), shape=(12, 16), spacing=(1 / 12, 1 / 16), boundary=("periodic",) * 2)


def heat(*steps: int) -> FieldBatch:
    """Waves that decay, two frames before and one target at each number of steps after them."""
    x, y = torch.arange(12)[:, None] / 12, torch.arange(16) / 16
    wave = torch.sin(2 * math.pi * (x - 2 * y))
    frames = torch.arange(-1, max(steps) + 1) * 0.1
    sizes = torch.exp(-NU[:, None] * (2 * math.pi) ** 2 * 5 * frames)
    states = sizes.view(3, -1, 1, 1, 1) * wave
    spec = FieldSpec(fields=(Field(name="temperature"),), grid=GRID, time_step=0.1, dataset="mine")
    return FieldBatch(
        spec=spec,
        history=states[:, :2],
        targets=states[:, [1 + each for each in steps]],
        lead_steps=torch.tensor([steps] * 3),
        given={"nu": NU},
    )


def answer(batch: FieldBatch, values: Tensor) -> Prediction:
    return Prediction(spec=batch.spec, values=values, lead_steps=batch.lead_steps)


def always(prediction: Prediction, batch: FieldBatch) -> Prediction:
    return prediction


def test_the_solution_costs_nothing_at_every_lead_and_more_with_another_constant() -> None:
    batch = heat(1, 3)
    objective = ResidualConfig(supervised=0).build(nrmse)
    truth = batch.targets
    assert truth is not None
    without = replace(batch, targets=None)
    assert objective(lambda each: answer(each, truth), without).total < 1e-5
    wrong = replace(without, given={"nu": 2 * NU})
    assert objective(lambda each: answer(each, truth), wrong).total > 0.05


def test_the_loss_is_relative_to_what_the_equation_says() -> None:
    """Of a linear equation the residual is the error, so both losses agree, and so do gradients."""
    batch = replace(heat(2), change=torch.full((3, 1, 1), 0.3))
    assert batch.targets is not None
    for loss in (nrmse, change):
        values = (batch.targets + 0.1 * torch.cos(7 * batch.targets)).requires_grad_()
        prediction = answer(batch, values)
        supervised = loss(prediction, batch).total
        (expected,) = torch.autograd.grad(supervised, values)
        config = ResidualConfig(supervised=0.5, weight=2)
        value = config.build(loss)(partial(always, prediction), batch)
        (gradient,) = torch.autograd.grad(value.total, values)
        assert value.loss.parts["residual"].item() == pytest.approx(supervised.item(), rel=1e-4)
        assert value.total.item() == pytest.approx(2.5 * supervised.item(), rel=1e-4)
        torch.testing.assert_close(gradient, 2.5 * expected, rtol=1e-3, atol=1e-6)


def test_a_problem_without_time_is_compared_with_its_source() -> None:
    """−0.01 Δu − ω u of a wave is (0.01 |k|² − ω) times the wave, and so is its source."""
    batch = heat(1)
    omega = torch.tensor([1.0, 3.0, 5.0])
    symbol = 0.01 * (2 * math.pi) ** 2 * 5 - omega
    wave = batch.history[:, 1]
    spec = replace(batch.spec, fields=(Field(name="solution"),))
    batch = replace(
        batch,
        spec=spec,
        history=torch.zeros_like(batch.history),
        targets=None,
        given={"omega": omega, "source": symbol.view(3, 1, 1) * wave[:, 0]},
    )
    for loss in (nrmse, change):
        objective = ResidualConfig(supervised=0).build(loss)
        assert objective(lambda each: answer(each, wave[:, None]), batch).total < 1e-5
        more = objective(lambda each: answer(each, 1.25 * wave[:, None]), batch).total
        assert more.item() == pytest.approx(0.25, rel=1e-4)


def test_parameters_are_those_of_the_equation_or_of_all() -> None:
    assert ResidualConfig(equation="burgers_2d").reads == ("nu", "cx", "cy")
    assert {"nu", "ax", "Nu", "omega", "k12"} < set(ResidualConfig().reads)
    batch = replace(heat(1), given={})
    with pytest.raises(ConfigError, match="fits mine: it predicts temperature on x, y, and has no"):
        ResidualConfig().build(nrmse)(lambda each: answer(each, each.history[:, 1:]), batch)


def test_a_profile_of_synthetic_fields_makes_one_call_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[objective]\nname = "residual"\n')
    trained = Mock(spec=Trained, out=tmp_path)
    assert method_of(trained, None).objective.part == "one_step"
    assert method_of(trained, Mock(spec=Store)).objective.part == "residual"
