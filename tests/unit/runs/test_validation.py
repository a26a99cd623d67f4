"""Scores of models whose predictions are known, beside those of forecasts, by hand."""

import math
from pathlib import Path

import numpy as np
import pytest
import torch

from matey_core.batches import FieldBatch, Prediction
from matey_core.data import Windows, sequential_batches
from matey_core.forecasts import FORECASTS
from matey_core.forecasts.local_linear import Fit, LocalLinear
from matey_core.inference import evaluate
from matey_core.runs.scores import BOUND, overall
from matey_core.runs.sources import StoreWindows
from matey_core.runs.validation import Validator
from matey_core.store import Store, open_store
from matey_core.training import Precision
from tests.support import tiny_store
from tests.unit.inference.recurrence import Recurrence

NAMES = ("linear", "local_linear")
CPU = torch.device("cpu")
FLOAT32 = Precision(name="float32")
FLOOR = 1e-3


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    return open_store(tiny_store(tmp_path_factory.mktemp("data")))


def source_of(store: Store, *, history: int = 4, max_lead: int = 2) -> StoreWindows:
    training, validation = (
        Windows(store, store.samples(split), history=history, max_lead=max_lead)
        for split in ("train", "validation")
    )
    return StoreWindows(store=store, training=training, validation=validation)


def validator(*sources: StoreWindows) -> Validator:
    return Validator(sources, batch_size=3, num_batches=2, device=CPU)


def ratio(error: float, best: float, persistence: float) -> float:
    return (error + FLOOR * persistence) / (best + FLOOR * persistence)


class Stepper(Recurrence):
    """Answers a lead by as many steps, so that calls and rollouts agree."""

    def forward(self, batch: FieldBatch) -> Prediction:
        steps = super().forward(batch).values
        return Prediction(
            spec=batch.spec,
            values=steps[:, batch.lead_steps[0] - 1] if steps.shape[1] > 1 else steps,
            lead_steps=batch.lead_steps,
        )


def test_the_score_is_the_geometric_mean_of_errors_relative_to_the_best_forecast(
    store: Store,
) -> None:
    model = Stepper(1.4, -0.4)
    scores = validator(source_of(store))(model, FLOAT32)
    assert [(each.lead_steps, each.is_rollout) for each in scores] == [
        (1, False),
        (2, False),
        (5, True),
    ]
    forecasters = {name: FORECASTS[name]().build() for name in NAMES}
    samples, means = store.samples("validation"), []
    for each, reach, windows in zip(scores, (2, 2, 5), (6, 6, 3), strict=True):
        batches = sequential_batches(
            Windows(store, samples, history=4, max_lead=reach),
            batch_size=3,
            lead_steps=(each.lead_steps,),
            num_windows=windows,
        )
        expected = evaluate(model, batches, forecasters).scores()
        logarithms = []
        for found in each.fields:
            score = expected[found.field]["nrmse"]
            best = min(score.persistence, *score.forecasts.values())
            assert found.error == pytest.approx(score.error, rel=1e-5)
            assert found.forecast == score.best_forecast
            assert found.forecast_error == pytest.approx(best, rel=1e-6)
            assert found.ratio == pytest.approx(ratio(score.error, best, score.persistence))
            logarithms.append(math.log(found.ratio))
        assert each.ratio == pytest.approx(math.exp(np.mean(logarithms)))
        means.append(np.mean(logarithms))
    assert overall(scores) == pytest.approx(math.exp(np.mean(means)))


class OneStep(Recurrence):
    """Answers every lead as if it were one step, so that only a rollout moves on."""

    def forward(self, batch: FieldBatch) -> Prediction:
        return super().forward(
            FieldBatch(
                spec=batch.spec,
                history=batch.history,
                lead_steps=torch.ones_like(batch.lead_steps),
            )
        )


def test_a_rollout_feeds_on_its_own_predictions(store: Store) -> None:
    model = OneStep(1.4, -0.4)
    rolled = validator(source_of(store))(model, FLOAT32)[-1]
    one, other = store.samples("validation")
    errors = []
    for sample, start in ((one, 0), (other, 0), (other, 3)):  # of eight windows, evenly spread
        states = store.read(sample, 0, store.num_frames).astype(np.float64)
        before, last = states[start + 2], states[start + 3]
        for _ in range(5):
            before, last = last, 1.4 * last - 0.4 * before
        truth = states[start + 8]
        errors.append(np.sqrt(((last - truth) ** 2).mean((1, 2)) / (truth**2).mean((1, 2))))
    assert [each.error for each in rolled.fields] == pytest.approx(np.mean(errors, 0), rel=1e-5)


def test_a_model_that_blows_up_in_a_rollout_loses(store: Store) -> None:
    source = source_of(store)
    direct_calls = 2 * 2
    wild = validator(source)(Stepper(2.0, -1.0, fails_at=direct_calls), FLOAT32)
    tame = validator(source)(Recurrence(1.0, 0.0), FLOAT32)
    assert wild[0].error < tame[0].error
    assert (wild[2].error, wild[2].ratio) == (math.inf, pytest.approx(BOUND))
    assert overall(tame) < overall(wild) < math.inf


@pytest.mark.parametrize(("frames", "expected"), [(5, [1]), (6, [1, 2]), (7, [1, 2, 3])])
def test_short_trajectories_give_the_rollout_that_they_can(
    tmp_path: Path, frames: int, expected: list[int]
) -> None:
    short = open_store(tiny_store(tmp_path, frames=frames))
    scores = validator(source_of(short, max_lead=1))(Recurrence(1.0, 0.0), FLOAT32)
    assert [(each.lead_steps, each.is_rollout) for each in scores] == [
        (1, False),
        *([(expected[-1], True)] if expected[-1] > 1 else []),
    ]


def test_forecasts_are_made_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    calls, fit = [], LocalLinear.fit

    def counted(self: LocalLinear, batch: FieldBatch) -> Fit:
        calls.append(batch.size)
        return fit(self, batch)

    monkeypatch.setattr(LocalLinear, "fit", counted)
    validate = validator(source_of(store))
    first = validate(Recurrence(1.4, -0.4), FLOAT32)
    assert sum(calls) == 6 + 3
    assert validate(Recurrence(1.4, -0.4), FLOAT32) == first
    assert sum(calls) == 6 + 3


def test_nothing_is_kept_for_validation(store: Store) -> None:
    source = source_of(store)
    alone = StoreWindows(store=store, training=source.training, validation=None)
    nothing = validator(alone)
    assert not nothing.has_windows
    assert nothing(Recurrence(1.0, 0.0), FLOAT32) == ()


def test_the_calls_of_the_model_are_known_beforehand(store: Store) -> None:
    model, validate = Stepper(1.4, -0.4), validator(source_of(store))
    validate(model, FLOAT32)
    taken, model.calls = model.calls, 0
    assert taken == sum(case.num_calls for case in validate._cases)
    assert validate.expected_seconds(model, FLOAT32) > 0
    assert model.calls == len(validate._cases) < taken


@pytest.mark.parametrize("most", [1, 5_000, 20_000, 2**22])
def test_frames_of_long_rollouts_take_bounded_memory(
    most: int, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("matey_core.runs.validation.LATER_VALUES", most)
    [(_, _, later)] = validator(source_of(store))._known_fits()
    [(batch, _)] = later
    assert batch.targets is not None
    values = batch.targets[0, 0].numel()
    windows, frames = batch.targets.shape[:2]
    assert 1 <= windows <= 8
    assert 2 <= frames <= (store.num_frames - 4) // 2
    assert windows * frames * values <= max(most, 2 * values)
    if most == 2**22:
        assert frames == (store.num_frames - 4) // 2
