"""Cells that are solid or missing, in rollouts and scores."""

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from matey_core.batches import FieldBatch, Prediction
from matey_core.inference import Tally, evaluate, fill_missing, rollout
from matey_core.metrics import METRICS, persistence
from tests.unit.inference.recurrence import Recurrence, start


class Diffusion(Recurrence):
    """uₙ₊₁ = mean of uₙ and its two neighbours: what is wrong in a cell spreads."""

    def __init__(self) -> None:
        super().__init__(1.0, 0.0)

    def forward(self, batch: FieldBatch) -> Prediction:
        last = batch.history[:, -1:]
        values = (last.roll(1, -1) + last + last.roll(-1, -1)) / 3
        return Prediction(spec=batch.spec, values=values, lead_steps=batch.lead_steps)


def with_gaps() -> torch.Tensor:
    history = start(12).history.clone()
    history[0, :, 0, 3:6] = torch.nan  # solid
    history[1, -1, 1, 7] = torch.nan  # missing at last
    history[1, 0, 0, 2] = torch.nan  # missing before
    history[2, :, 1] = torch.nan  # nothing known
    return history


def test_gaps_are_filled_with_the_mean_of_what_is_known() -> None:
    history = with_gaps()
    filled, missing = fill_missing(history)
    known = ~history.isnan()
    assert torch.equal(filled[known], history[known])
    for sample, field in np.ndindex(3, 2):
        values = history[sample, :, field].numpy()
        gaps = np.isnan(values)
        mean = 0.0 if gaps.all() else np.nanmean(values.astype(np.float64))
        np.testing.assert_allclose(filled[sample, :, field].numpy()[gaps], mean, rtol=1e-6)
    assert missing is not None
    assert torch.equal(missing, history[:, -1].isnan())


def test_a_history_without_gaps_is_returned_as_it_is() -> None:
    history = start(12).history
    filled, missing = fill_missing(history)
    assert filled is history
    assert missing is None


def test_missing_cells_are_reset_before_they_are_fed_back_and_come_out_as_nan() -> None:
    filled, missing = fill_missing(with_gaps())
    assert missing is not None
    batch = replace(start(12), history=filled)
    expected = filled[:, -1].clone()
    for state in rollout(Diffusion(), batch, steps=5, missing=missing):
        expected = (expected.roll(1, -1) + expected + expected.roll(-1, -1)) / 3
        expected = torch.where(missing, filled[:, -1], expected)
        assert torch.equal(state.isnan(), missing)
        torch.testing.assert_close(state[~missing], expected[~missing])


@pytest.mark.parametrize("stride", [1, 2, 3])
def test_a_stride_changes_nothing_where_cells_are_independent(stride: int) -> None:
    filled, missing = fill_missing(with_gaps())
    assert missing is not None
    batch = replace(start(12), history=filled)
    states = list(rollout(Recurrence(1.1, -0.3), batch, steps=6, stride=stride, missing=missing))
    plain = list(rollout(Recurrence(1.1, -0.3), batch, steps=6, stride=stride))
    for state, other in zip(states, plain, strict=True):
        assert torch.equal(state[~missing], other[~missing])
        assert state[missing].isnan().all()


def test_evaluation_counts_known_cells_only() -> None:
    batch = start(16)
    targets = 2 * batch.history[:, -1:]
    valid = torch.rand(targets.shape, generator=torch.Generator().manual_seed(0)) > 0.5
    valid[0, :, 1] = False
    garbage = targets.masked_fill(~valid, 1e6)
    scores = evaluate(Recurrence(1.5, 0.0), [replace(batch, targets=garbage, valid=valid)]).scores()
    assert scores["u"]["nrmse"].error == pytest.approx(0.25, rel=1e-6)
    assert scores["u"]["nrmse"].persistence == pytest.approx(0.5, rel=1e-6)
    assert (scores["u"]["nrmse"].cases, scores["u"]["nrmse"].undefined) == (3, 0)
    assert (scores["v"]["nrmse"].cases, scores["v"]["nrmse"].undefined) == (2, 1)
    assert scores["v"]["nrmse"].error == pytest.approx(0.25, rel=1e-6)
    vrmse = METRICS["vrmse"](1.5 * batch.history[:, -1:], targets, valid)[:, :, 0].mean()
    assert scores["u"]["vrmse"].error == pytest.approx(vrmse.item(), rel=1e-6)


def test_a_prediction_that_fails_under_the_mask_is_finite_and_elsewhere_is_not() -> None:
    batch = start(16)
    target = 2 * batch.history[:, -1:]
    valid = torch.ones(target.shape, dtype=torch.bool)
    valid[..., 4] = False
    prediction = (0.5 * target).masked_fill(~valid, torch.nan)
    tally = Tally(["u", "v"])
    tally.add(prediction, persistence(batch), target, valid)
    assert tally.scores()["u"]["nrmse"].error == pytest.approx(0.5, rel=1e-6)
    prediction[0, 0, 0, 5] = torch.nan
    tally.add(prediction, persistence(batch), target, valid)
    assert tally.scores()["u"]["nrmse"].error == math.inf
    assert tally.scores()["u"]["nrmse"].not_finite == 1
