"""An epoch is divided by weights, and every batch of it has a number of its own."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matey_core.data._epoch import order_of, shares_of, weights_of
from matey_core.errors import ConfigError

WEIGHTS = st.lists(st.floats(0, 1e6), min_size=1, max_size=8).filter(lambda w: sum(w) > 0)


@given(weights=WEIGHTS, more=st.integers(0, 500))
def test_shares_are_weights_up_to_one_batch(weights: list[float], more: int) -> None:
    shares = np.array(weights) / sum(weights)
    batches = int((shares > 0).sum()) + more
    found = shares_of(shares, batches)
    assert found.sum() == batches
    assert ((found > 0) == (shares > 0)).all()
    # A store that gets its one batch takes it from those with many.
    slack = 1 + int((shares * batches < 1).sum())
    assert (np.abs(found - shares * batches) <= slack).all()


def test_shares_by_hand() -> None:
    assert shares_of(np.array([0.5, 0.3, 0.2]), 10).tolist() == [5, 3, 2]
    assert shares_of(np.array([0.5, 0.3, 0.2]), 11).tolist() == [6, 3, 2]
    assert shares_of(np.array([0.97, 0.01, 0.01, 0.01]), 10).tolist() == [7, 1, 1, 1]
    assert shares_of(np.array([1.0, 0.0]), 3).tolist() == [3, 0]
    thirds = np.array([1, 1, 1]) / 3
    assert shares_of(thirds, 300).tolist() == [100, 100, 100]


def test_weights_by_exponent_and_by_name() -> None:
    names, counts = ["a", "b"], [100, 400]
    assert weights_of(names, counts, exponent=0.5, given=None).tolist() == [1 / 3, 2 / 3]
    assert weights_of(names, counts, exponent=0.0, given={}).tolist() == [0.5, 0.5]
    assert weights_of(names, counts, exponent=1.0, given=None).tolist() == [0.2, 0.8]
    assert weights_of(names, counts, exponent=1.0, given={"b": 3.0}).tolist() == [0.25, 0.75]
    assert weights_of(names, counts, exponent=1.0, given={"a": 0.0}).tolist() == [0, 1]
    with pytest.raises(ConfigError, match="weights names c; the stores are a, b"):
        weights_of(names, counts, exponent=1.0, given={"c": 1.0})
    for bad in ({"a": 0.0, "b": 0.0}, {"a": -1.0}, {"a": float("nan")}):
        with pytest.raises(ConfigError, match="at least 0"):
            weights_of(names, counts, exponent=1.0, given=bad)


def test_an_order_numbers_the_batches_of_each_store() -> None:
    shares = np.array([3, 0, 5])
    one, other = order_of(shares, seed=1, epoch=0), order_of(shares, seed=1, epoch=1)
    for order in (one, other):
        for store, share in enumerate(shares):
            assert order.numbers[order.stores == store].tolist() == list(range(share))
    assert one.stores.tolist() != other.stores.tolist()
