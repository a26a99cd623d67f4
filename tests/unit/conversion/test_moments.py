"""Moments against NumPy's own, and what is no number."""

import math

import numpy as np
import pytest

from matey_core.conversion import moments
from matey_core.conversion.moments import Moments, merged


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_moments_are_numpys(monkeypatch: pytest.MonkeyPatch, dtype: str) -> None:
    monkeypatch.setattr(moments, "TILE", 100)
    values = (1e3 + np.random.default_rng(0).normal(size=(7, 11, 13))).astype(dtype)
    found = Moments()
    found.add(values)
    exact = values.astype(np.float64)
    assert (found.count, found.low, found.high) == (1001, exact.min(), exact.max())
    assert found.mean == pytest.approx(exact.mean(), rel=1e-14)
    assert found.summary()["std"] == pytest.approx(exact.std(), rel=1e-12)


def test_what_is_no_number_is_counted_and_left_out() -> None:
    values = np.arange(12.0)
    values[[2, 5]] = np.nan
    values[7] = -np.inf
    found = Moments()
    found.add(values)
    known = values[np.isfinite(values)]
    assert (found.missing, found.infinite, found.count) == (2, 1, 9)
    assert found.summary() == {
        "min": 0.0,
        "max": 11.0,
        "mean": pytest.approx(known.mean()),
        "std": pytest.approx(known.std()),
    }


def test_parts_merge_to_the_whole_and_nothing_stays_nothing() -> None:
    values = np.random.default_rng(1).random((3, 50))
    parts = [Moments() for _ in values]
    for part, row in zip(parts, values, strict=True):
        part.add(row)
    total = merged([Moments(), *parts])
    assert total.count == 150
    assert total.summary()["std"] == pytest.approx(values.std(), rel=1e-13)
    assert all(math.isnan(value) for value in Moments().summary().values())
