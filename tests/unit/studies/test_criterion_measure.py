"""Captured error and rank correlation, compared with other implementations."""

import math

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from matey_core.studies.criterion.measure import Ledger, captured, rank_correlation


def rows(*values: list[float]) -> torch.Tensor:
    return torch.tensor(values)


def test_captured_error_is_summed_in_the_order_of_the_scores() -> None:
    scores = rows([1.0, 3.0, 2.0, 0.0])
    errors = rows([4.0, 1.0, 0.0, 5.0])
    assert captured(scores, errors).tolist() == [[0.0, 0.1, 0.1, 0.5, 1.0]]


def test_equal_scores_go_by_the_order_of_cells_and_nothing_beats_the_errors_themselves() -> None:
    errors = torch.rand(5, 16, generator=torch.Generator().manual_seed(0))
    flat = captured(torch.zeros_like(errors), errors)
    torch.testing.assert_close(flat[:, 1:], (errors.cumsum(1) / errors.sum(1, True)).double())
    best = captured(errors, errors)
    for seed in range(10):
        other = torch.rand(5, 16, generator=torch.Generator().manual_seed(seed))
        assert (captured(other, errors) <= best + 1e-12).all()


def test_rank_correlation_is_scipys_ties_included() -> None:
    generator = np.random.default_rng(0)
    a, b = generator.integers(0, 6, (2, 4, 20)).astype(np.float32)
    ours = rank_correlation(torch.from_numpy(a), torch.from_numpy(b)).numpy()
    theirs = [spearmanr(x, y).statistic for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_equal_values_have_no_rank_correlation() -> None:
    assert rank_correlation(rows([1.0, 1.0, 1.0]), rows([1.0, 2.0, 3.0])).isnan().all()


def test_trajectories_count_alike_however_many_windows_they_have() -> None:
    ledger = Ledger()
    errors = rows([1.0, 0.0], [1.0, 0.0], [1.0, 0.0])
    scores = rows([1.0, 0.0], [1.0, 0.0], [0.0, 1.0])  # finds it, finds it, misses it
    ledger.add("guess", scores, errors, [7, 7, 8])
    ledger.add("best", errors, errors, [7, 7, 8])
    found = ledger.found("guess", chosen=1, oracle="best")
    assert found.captured.value == 0.5
    assert found.captured.standard_error == pytest.approx(0.5)  # of 1 and 0: σ/√2 with n − 1
    assert found.gain == 0.0  # chance is 1 of 2 cells
    assert found.correlation.value == 0.0
    assert found.curve[50] == 0.5
    assert (found.curve[0], found.curve[25], found.curve[-1]) == (0.0, 0.25, 1.0)


def test_one_trajectory_has_no_standard_error() -> None:
    ledger = Ledger()
    ledger.add("best", rows([1.0, 0.0]), rows([1.0, 0.0]), [0])
    found = ledger.found("best", chosen=1, oracle="best")
    assert found.gain == 1.0
    assert math.isnan(found.captured.standard_error)
