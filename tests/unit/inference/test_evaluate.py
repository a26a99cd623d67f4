"""Errors beside persistence, with the cases that have no sensible value."""

import math
from dataclasses import replace

import pytest
import torch

from matey_core.batches import FieldBatch
from matey_core.forecasts import FORECASTS
from matey_core.inference import Tally, evaluate, mean_scores
from tests.unit.inference.recurrence import Recurrence, start


def doubling(num_samples: int, *, growth: float = 2.0) -> FieldBatch:
    """Windows whose every frame is `growth` times the one before."""
    batch = start(16, num_samples=num_samples)
    last = batch.history[:, -1]
    return replace(
        batch,
        history=torch.stack([last / growth**2, last / growth, last], dim=1),
        targets=(growth * last)[:, None],
    )


def test_model_and_persistence_on_the_same_windows() -> None:
    scores = evaluate(Recurrence(1.5, 0.0), [doubling(3), doubling(2)]).scores()
    assert set(scores) == {"u", "v"}
    for field in scores.values():
        assert field["nrmse"].error == pytest.approx(0.25, rel=1e-6)
        assert field["nrmse"].persistence == pytest.approx(0.5, rel=1e-6)
        assert field["nrmse"].cases == 5
        assert field["vrmse"].error == pytest.approx(0.5 * field["vrmse"].persistence, rel=1e-6)
        assert not field["nrmse"].is_worse
    assert mean_scores(scores)["nrmse"].error == pytest.approx(0.25, rel=1e-6)


def test_worse_than_doing_nothing() -> None:
    scores = evaluate(Recurrence(3.5, 0.0), [doubling(3)]).scores()
    assert scores["u"]["nrmse"].error == pytest.approx(0.75, rel=1e-6)
    assert scores["u"]["nrmse"].is_worse


def test_the_mean_is_over_windows_not_over_batches() -> None:
    batches = [doubling(3), doubling(1, growth=4.0)]
    score = evaluate(Recurrence(2.0, 0.0), batches).scores()["u"]["nrmse"]
    assert score.error == pytest.approx((3 * 0.0 + 1 * 0.5) / 4, rel=1e-6)
    assert score.persistence == pytest.approx((3 * 0.5 + 1 * 0.75) / 4, rel=1e-6)


def test_a_diverged_model_is_not_averaged_away() -> None:
    model = Recurrence(2.0, 0.0, fails_at=1)
    scores = evaluate(model, [doubling(3), doubling(2)]).scores()
    assert scores["v"]["nrmse"].error == math.inf
    assert scores["v"]["nrmse"].not_finite == 2
    assert scores["v"]["nrmse"].cases == 5
    assert scores["v"]["nrmse"].persistence == pytest.approx(0.5, rel=1e-6)
    assert scores["v"]["nrmse"].is_worse
    assert mean_scores(scores)["nrmse"].error == math.inf


def test_a_target_without_scale_is_left_out_for_both_and_counted() -> None:
    batch = doubling(3)
    assert batch.targets is not None
    batch.targets[0, :, 0] = 1.0
    batch.targets[1, :, 0] = 0.0
    field = evaluate(Recurrence(2.0, 0.0), [batch]).scores()["u"]
    assert (field["vrmse"].cases, field["vrmse"].undefined) == (1, 2)
    assert (field["nrmse"].cases, field["nrmse"].undefined) == (2, 1)
    assert field["vrmse"].error == pytest.approx(0, abs=1e-6)


def test_a_field_without_any_scale_has_no_mean_and_leaves_the_others_theirs() -> None:
    batch = doubling(2)
    assert batch.targets is not None
    batch.targets[:, :, 0] = 0.0
    scores = evaluate(Recurrence(2.0, 0.0), [batch]).scores()
    assert math.isnan(scores["u"]["nrmse"].error)
    assert not scores["u"]["nrmse"].is_worse
    assert mean_scores(scores)["nrmse"].persistence == pytest.approx(0.5, rel=1e-6)


def test_a_model_is_compared_with_the_best_forecast_on_the_same_windows() -> None:
    """Frames u/4, u/2, u, 2u: persistence is off by a half, a straight line by a quarter."""
    forecasters = {"linear": FORECASTS["linear"]().build()}
    batches = [doubling(3), doubling(2)]
    scores = evaluate(Recurrence(1.4, 0.0), batches, forecasters).scores()
    score = scores["u"]["nrmse"]
    assert score.error == pytest.approx(0.3, rel=1e-6)
    assert score.forecasts == {"linear": pytest.approx(0.25, rel=1e-6)}
    assert score.best_forecast == "linear"
    assert score.is_beaten
    assert not score.is_worse
    mean = mean_scores(scores)["nrmse"]
    assert mean.forecasts == {"linear": pytest.approx(0.25, rel=1e-6)}
    assert mean.is_beaten
    better = evaluate(Recurrence(1.6, 0.0), batches, forecasters).scores()["u"]["nrmse"]
    assert better.error == pytest.approx(0.2, rel=1e-6)
    assert not better.is_beaten


def test_a_forecast_that_blows_up_is_not_the_best() -> None:
    batch = doubling(3)
    assert batch.targets is not None
    tally = Tally(("u", "v"), ("wild",))
    wild = batch.targets.clone()
    wild[0, 0, 0, 3] = math.nan
    ours, theirs = batch.targets * 0.4, batch.history[:, -1:]
    tally.add(ours, theirs, batch.targets, forecasts={"wild": wild})
    scores = tally.scores()
    assert scores["u"]["nrmse"].forecasts == {"wild": math.inf}
    assert scores["u"]["nrmse"].best_forecast == "persistence"
    assert scores["v"]["nrmse"].forecasts == {"wild": 0}
    assert scores["v"]["nrmse"].best_forecast == "wild"
    assert scores["u"]["nrmse"].persistence == pytest.approx(0.5, rel=1e-6)
    valid = torch.ones_like(wild, dtype=torch.bool)
    valid[0, 0, 0, 3] = False
    masked = Tally(("u", "v"), ("wild",))
    masked.add(ours, theirs, batch.targets, valid, forecasts={"wild": wild})
    assert masked.scores()["u"]["nrmse"].forecasts == {"wild": 0}


def test_nothing_to_evaluate_is_an_error() -> None:
    with pytest.raises(ValueError, match="no batch"):
        evaluate(Recurrence(1.0, 0.0), [])
    assert Tally(["u"]).scores()["u"]["nrmse"].cases == 0
