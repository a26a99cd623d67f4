"""Errors relative to the best forecast: floors, bounds, means, and scores of old journals."""

import json
import math
from dataclasses import asdict

import pytest

from matey_core.inference import Score
from matey_core.journal import finite
from matey_core.runs.scores import (
    BOUND,
    StoreScore,
    overall,
    ratio_of,
    read_score,
    score_by_store,
)
from matey_core.runs.scoring import store_score


def score(error: float, persistence: float = 0.2, cases: int = 3, **forecasts: float) -> Score:
    return Score(
        error=error,
        persistence=persistence,
        forecasts=forecasts,
        cases=cases,
        undefined=0,
        not_finite=0,
    )


def test_a_ratio_has_a_floor_in_units_of_the_change() -> None:
    assert ratio_of(0.1, 0.2, 0.4) == pytest.approx(0.1004 / 0.2004)
    assert ratio_of(0.1, 0.0, 0.4) == pytest.approx(0.1004 / 0.0004)
    assert ratio_of(0.0, 0.2, 0.4) == pytest.approx(0.0004 / 0.2004)
    assert ratio_of(0.0, 0.0, 0.4) == 1
    # A field far from zero that changes little is measured in units of that change.
    assert ratio_of(1e-5, 4e-5, 4e-5) == pytest.approx(0.2507, rel=1e-3)


def test_a_field_that_stands_still_is_measured_in_thousandths_of_itself() -> None:
    assert ratio_of(1e-4, 0.0, 0.0) == pytest.approx(1.1)
    assert ratio_of(1e-4, 1e-7, 1e-7) == pytest.approx(1.1, rel=1e-3)
    assert ratio_of(0.0, 0.0, 0.0) == 1


@pytest.mark.parametrize("error", [math.inf, math.nan, 1e30])
def test_what_blows_up_has_the_largest_ratio(error: float) -> None:
    assert ratio_of(error, 0.1, 0.2) == BOUND


def test_each_field_is_compared_with_its_own_best_forecast() -> None:
    ours = {"u": score(0.05), "v": score(0.3, 0.1), "w": score(0.0, cases=0)}
    forecasts = {
        "u": score(0.2, 0.2, linear=0.025, local_linear=math.inf),
        "v": score(0.1, 0.1, linear=0.4, local_linear=0.2),
        "w": score(0.0, cases=0),
    }
    found = store_score("a", 4, ours, forecasts, is_rollout=True)
    assert (found.store, found.lead_steps, found.is_rollout) == ("a", 4, True)
    assert [each.field for each in found.fields] == ["u", "v"]
    assert found.forecast == "linear, persistence"
    assert found.error == pytest.approx((0.05 + 0.3) / 2)
    assert found.forecast_error == pytest.approx((0.025 + 0.1) / 2)
    ratios = (0.0502 / 0.0252, 0.3001 / 0.1001)
    assert [each.ratio for each in found.fields] == pytest.approx(ratios)
    assert found.ratio == pytest.approx(math.sqrt(math.prod(ratios)))


def at(store: str, ratio: float) -> StoreScore:
    return StoreScore(store=store, lead_steps=1, error=1.0, persistence=1.0, ratio=ratio)


def test_stores_count_alike_however_many_leads_they_have() -> None:
    scores = [at("a", 2.0), at("a", 8.0), at("b", 0.25), at("c", math.nan)]
    assert score_by_store(scores) == {"a": pytest.approx(4.0), "b": pytest.approx(0.25)}
    assert overall(scores) == pytest.approx(1.0)
    assert overall([at("c", math.nan)]) == overall([]) == math.inf


def test_a_journal_gives_back_what_was_written() -> None:
    ours = {"u": score(math.inf), "v": score(0.3, 0.1)}
    forecasts = {"u": score(0.2, 0.2), "v": score(0.1, 0.1)}
    written = store_score("a", 5, ours, forecasts, is_rollout=True)
    assert written.error == math.inf
    assert read_score(json.loads(json.dumps(finite(asdict(written))))) == written


def test_a_score_of_version_0_1_compares_with_persistence() -> None:
    old = {"store": "a", "lead_steps": 1, "error": 0.1, "persistence": 0.2}
    found = read_score(old)
    assert (found.error, found.persistence, found.forecast) == (0.1, 0.2, "persistence")
    assert found.ratio == pytest.approx(0.1002 / 0.2002)
    assert read_score({**old, "error": None}).ratio == BOUND
