"""Trajectories are split by seed, completely, with copies on one side."""

import math
from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matey_core.errors import ConfigError
from matey_core.store import Split


def test_shares_are_met_exactly_by_distinct_trajectories() -> None:
    assert np.bincount(Split().assign(range(100))).tolist() == [80, 10, 10]


def test_the_seed_decides() -> None:
    one, same, other = (Split(seed=seed).assign(range(50)) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert (one != other).any()


@pytest.mark.parametrize(("count", "expected"), [(1, [1, 0, 0]), (2, [1, 0, 1]), (3, [1, 1, 1])])
def test_few_trajectories_are_shared_out_in_order_of_need(count: int, expected: list[int]) -> None:
    assert np.bincount(Split().assign(range(count)), minlength=3).tolist() == expected


def test_a_share_of_zero_gets_nothing() -> None:
    assert np.bincount(Split(shares=(1.0, 0.0, 0.0)).assign(range(9))).tolist() == [9]


@pytest.mark.parametrize(
    "shares", [(0.0, 1.0, 1.0), (-1.0, 1.0, 1.0), (math.nan, 1.0, 1.0), (math.inf, 0.0, 0.0)]
)
def test_shares_that_are_no_split_are_refused(shares: tuple[float, float, float]) -> None:
    with pytest.raises(ConfigError, match="three shares"):
        Split(shares=shares)


@given(identities=st.lists(st.integers(0, 12), min_size=1, max_size=40), seed=st.integers(0, 99))
def test_copies_never_straddle_a_split(identities: list[int], seed: int) -> None:
    assigned = Split(seed=seed).assign(identities)
    kinds = defaultdict(set)
    for identity, kind in zip(identities, assigned.tolist(), strict=True):
        kinds[identity].add(kind)
    assert all(len(kind) == 1 for kind in kinds.values())
    present = set(assigned.tolist())
    needed = {1: {0}, 2: {0, 2}}.get(len(kinds), {0, 1, 2})
    assert present == needed
