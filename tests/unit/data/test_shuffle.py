"""Orders that are computed place by place are permutations, and as good as random."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare, kstest

from matey_core.data._shuffle import FEW, noise, shuffled

KEY = st.tuples(st.integers(0, 2**63), st.integers(0, 5), st.integers(0, 1000))


@given(key=KEY, size=st.integers(1, 3 * FEW))
def test_every_thing_stands_at_one_place(key: tuple[int, ...], size: int) -> None:
    order = shuffled(key, np.arange(size), size)
    np.testing.assert_array_equal(np.sort(order), np.arange(size))


@given(key=KEY, size=st.integers(1, 2**40), data=st.data())
def test_places_are_looked_up_one_by_one(key: tuple[int, ...], size: int, data) -> None:  # type: ignore[no-untyped-def]
    places = data.draw(st.lists(st.integers(0, size - 1), min_size=1, max_size=20, unique=True))
    found = shuffled(key, np.array(places), size)
    assert len(set(found.tolist())) == len(places)
    assert 0 <= found.min() <= found.max() < size
    for place, thing in zip(places, found.tolist(), strict=True):
        assert shuffled(key, np.array([place]), size).tolist() == [thing]


def test_all_orders_of_four_are_equally_likely() -> None:
    orders = Counter(tuple(shuffled((seed, 3), np.arange(4), 4).tolist()) for seed in range(4800))
    assert len(orders) == 24
    assert chisquare(list(orders.values())).pvalue > 1e-3


@pytest.mark.parametrize("size", [300, 5 * FEW])
def test_first_places_are_uniform_and_independent(size: int) -> None:
    first = np.stack([shuffled((seed, 1), np.arange(3), size) for seed in range(1000)]) / size
    for column in first.T:
        assert kstest(column, "uniform").pvalue > 1e-3
    # Correlations of 1000 pairs have a standard deviation of 0.03.
    assert abs(np.corrcoef(first.T)[np.triu_indices(3, 1)]).max() < 0.12


def test_neighbors_are_torn_apart() -> None:
    order = shuffled((0, 0), np.arange(20_000), 20_000)
    distance = np.abs(np.diff(order))
    # Of two random places in n the mean distance is n / 3.
    assert distance.mean() == pytest.approx(20_000 / 3, rel=0.02)


def test_noise_is_uniform_and_depends_on_all_of_its_names() -> None:
    numbers = np.arange(20_000)
    draws = [noise(key, numbers) / 2.0**64 for key in ((0, 0), (0, 1), (1, 0))]
    for draw in draws:
        assert kstest(draw, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(draws)[np.triu_indices(3, 1)]).max() < 0.03
    assert len(np.unique(np.concatenate([noise((k,), numbers) for k in range(5)]))) == 100_000
