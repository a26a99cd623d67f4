"""Which cells are split, and which of them stay tokens."""

import math

import pytest
import torch

from matey_core.budgets._quota import quota_of_ratio
from matey_core.nn.shift import Shift
from matey_core.tokenizers import TokenizerConfig, Tree, grow, num_tokens
from matey_core.tokenizers.adap_mix import adap_mix


def noise(*shape: int) -> torch.Tensor:
    return torch.randn(2, 1, 1, *shape, generator=torch.Generator().manual_seed(0))


def tree_of(shape: tuple[int, ...], *, wraps: bool = False, **settings: object) -> Tree:
    config = TokenizerConfig.model_validate({"patch": (16, 8, 4), **settings})
    return grow(config, noise(*shape), periodic=(wraps,) * len(shape))


@pytest.mark.parametrize(
    ("shape", "ratio", "balanced"), [((64, 64), 0.5, True), ((40, 40), 1.0, False)]
)
def test_no_cell_stays_a_token_that_was_not_split(
    shape: tuple[int, int], ratio: float, balanced: bool
) -> None:
    tree = tree_of(shape, ratio=ratio, keep_parents=True, balanced=balanced)
    for split, kept in zip(tree.refined, tree.kept, strict=True):
        assert torch.equal(split, kept)


def test_everything_refined_and_kept_is_all_cells_that_hold_points() -> None:
    tree = tree_of((40, 40), ratio=1.0, keep_parents=True)
    assert num_tokens(adap_mix(tree)).tolist() == [3**2 + 5**2 + 10**2] * 2


@pytest.mark.parametrize("shape", [(24,), (40,), (40, 40), (33, 24)])
@pytest.mark.parametrize("wraps", [False, True])
def test_a_balanced_tree_of_four_sizes_reaches_the_finest_everywhere(
    shape: tuple[int, ...], wraps: bool
) -> None:
    tree = tree_of(shape, wraps=wraps, patch=(16, 8, 4, 2), ratio=1.0, balanced=True)
    fine = math.prod(-(-points // 2) for points in shape)
    assert tree.counts().tolist() == [[0, 0, 0, fine]] * 2


def test_a_balanced_tree_that_is_shifted_reaches_the_finest_everywhere() -> None:
    shift = Shift.of((13,), shape=(24,), periodic=(False,), side=16)
    config = TokenizerConfig(patch=(16, 8, 4, 2), ratio=1.0, balanced=True)
    tree = grow(config, noise(24), periodic=(False,), shift=shift)
    assert tree.counts().tolist() == [[0, 0, 0, 13]] * 2


@pytest.mark.parametrize(("ratio", "cells", "split"), [(0.29, 100, 29), (0.57, 100, 57)])
def test_round_off_loses_no_cell(ratio: float, cells: int, split: int) -> None:
    quota = quota_of_ratio(ratio, roots=cells, pieces=(4,), keep_parents=False)
    assert quota.splits == (split,)


@pytest.mark.parametrize(("ratio", "split"), [(1 / 3, 1), (0.999, 2), (1.0, 3), (0.0, 0)])
def test_a_fraction_of_a_cell_is_not_split(ratio: float, split: int) -> None:
    assert quota_of_ratio(ratio, roots=3, pieces=(4,), keep_parents=False).splits == (split,)
