"""What someone who watches a training is told: rates of the last steps, smoothed losses."""

import math

import pytest

from matey_core.runs.status import OF_STORE, RECENT, Pacer, Smoother


def test_rates_are_sums_over_the_last_steps() -> None:
    pacer = Pacer()
    pacer.add(1.0, 0.5, 4, 100.0)
    rates = pacer.add(3.0, 0.5, 4, 300.0)
    assert (rates.steps, rates.samples, rates.tokens) == (0.5, 2.0, 100.0)
    assert rates.waiting == 0.25
    for _ in range(RECENT):  # the slow ones are forgotten
        rates = pacer.add(0.1, 0.0, 4, None)
    assert rates.steps == pytest.approx(10)
    assert (rates.tokens, rates.waiting) == (None, 0.0)


def test_losses_are_smoothed_by_store_and_skipped_ones_change_nothing() -> None:
    smoother = Smoother()
    smoother.add("a", math.inf, is_skipped=True)
    assert math.isnan(smoother.by_store["a"])
    smoother.add("a", 2.0, is_skipped=False)
    smoother.add("b", 4.0, is_skipped=False)
    smoother.add("a", 1.0, is_skipped=False)
    smoother.add("a", math.nan, is_skipped=True)
    assert smoother.by_store == {"a": pytest.approx(1.5), "b": 4.0}  # means of the first losses
    assert smoother.overall == pytest.approx(7 / 3)
    for _ in range(60):
        smoother.add("a", 1.0, is_skipped=False)
    before = smoother.by_store["a"]
    smoother.add("a", 5.0, is_skipped=False)
    assert smoother.by_store["a"] == pytest.approx(before + OF_STORE * (5 - before))
