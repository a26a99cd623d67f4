"""Derivatives of the answer: differences of neighbors, on every axis, free of units."""

from dataclasses import replace

import pytest
import torch

from matey_core.batches import FieldBatch, Prediction
from matey_core.fields import Boundary
from matey_core.losses import LossFunction
from matey_core.losses.change import ChangeConfig
from matey_core.losses.nrmse import nrmse
from matey_core.objectives.derivative import DerivativeConfig, along
from tests.formula import batch_of, spec_of

CHANGE = ChangeConfig().build()


def value_of(batch: FieldBatch, error: torch.Tensor, loss: LossFunction = nrmse) -> float:
    """The derivatives' part of the objective for an answer that is off by so much."""
    assert batch.targets is not None
    prediction = Prediction(
        spec=batch.spec, values=batch.targets + error, lead_steps=batch.lead_steps
    )
    found = DerivativeConfig().build(loss)(lambda _: prediction, batch)
    assert found.total == found.loss.total
    return float(found.loss.parts["derivative"])


@pytest.mark.parametrize(("boundary", "number"), [("periodic", 5), ("no_flux", 4)])
def test_differences_go_around_where_the_axis_does(boundary: Boundary, number: int) -> None:
    batch = batch_of(spec_of((3, 5), boundary=boundary))
    assert batch.targets is not None
    answer = Prediction(spec=batch.spec, values=batch.targets, lead_steps=batch.lead_steps)
    slope, known = along(1, answer, batch)
    expected = torch.stack(
        [batch.targets[..., (i + 1) % 5] - batch.targets[..., i] for i in range(number)], dim=-1
    )
    assert torch.equal(slope.values, expected)
    assert known.targets is not None
    assert torch.equal(known.targets, expected)
    assert known.history.shape[-1] == number


def test_both_neighbors_must_be_known() -> None:
    batch = batch_of(spec_of((6,)), samples=1)
    assert batch.targets is not None
    valid = torch.ones_like(batch.targets, dtype=torch.bool)
    valid[..., 2] = False
    answer = Prediction(spec=batch.spec, values=batch.targets, lead_steps=batch.lead_steps)
    _, known = along(0, answer, replace(batch, valid=valid))
    assert known.valid is not None
    assert known.valid[0, 0, 0].tolist() == [True, False, False, True, True, True]


@pytest.mark.parametrize("loss", [nrmse, CHANGE])
def test_a_shifted_answer_has_the_right_slopes_and_a_ripple_has_not(loss: LossFunction) -> None:
    batch = batch_of(spec_of((16, 16)))
    ripple = 0.1 * torch.tensor([1.0, -1.0]).repeat(8).expand(16, 16)
    assert value_of(batch, torch.full((16, 16), 0.1), loss) < 1e-5
    assert value_of(batch, ripple, loss) > 0.03


@pytest.mark.parametrize("loss", [nrmse, CHANGE])
def test_units_cancel(loss: LossFunction) -> None:
    batch = batch_of(spec_of((16, 16)))
    assert batch.targets is not None
    error = 0.1 * torch.randn(16, 16, generator=torch.Generator().manual_seed(1))
    scaled = replace(batch, history=1024 * batch.history, targets=1024 * batch.targets)
    assert value_of(scaled, 1024 * error, loss) == pytest.approx(value_of(batch, error, loss))


def test_an_axis_of_one_point_has_no_slope() -> None:
    batch = batch_of(spec_of((1, 8)))
    assert batch.targets is not None
    answer = Prediction(spec=batch.spec, values=batch.targets, lead_steps=batch.lead_steps)
    found = DerivativeConfig().build(nrmse)(lambda _: answer, batch)
    assert torch.isfinite(found.total)
    single = batch_of(spec_of((1,)))
    assert single.targets is not None
    answer = Prediction(spec=single.spec, values=single.targets, lead_steps=single.lead_steps)
    assert "derivative" not in DerivativeConfig().build(nrmse)(lambda _: answer, single).loss.parts
