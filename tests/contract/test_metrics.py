"""What every metric promises."""

import math

import numpy as np
import pytest
import torch

from matey_core.metrics import METRICS

GRIDS = [(32,), (6, 10), (4, 6, 5)]

pytestmark = pytest.mark.parametrize("name", METRICS.names())


def fields(grid: tuple[int, ...]) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(7)
    target = 3 + torch.randn(2, 3, 4, *grid, generator=generator)
    return target + 0.3 * torch.randn(target.shape, generator=generator), target


@pytest.mark.parametrize("grid", GRIDS)
def test_one_number_a_sample_lead_and_field(name: str, grid: tuple[int, ...]) -> None:
    prediction, target = fields(grid)
    values = METRICS[name](prediction, target)
    assert values.shape == (2, 3, 4)
    assert (values > 0).all()
    alone = METRICS[name](prediction[1:, 2:, 3:], target[1:, 2:, 3:])
    assert alone.item() == pytest.approx(values[1, 2, 3].item(), rel=1e-12)


@pytest.mark.parametrize("grid", GRIDS)
def test_zero_when_equal_even_where_the_target_is_constant(
    name: str, grid: tuple[int, ...]
) -> None:
    _, target = fields(grid)
    for same in (target, torch.zeros_like(target), torch.full_like(target, 0.1)):
        assert (METRICS[name](same, same) == 0).all()


@pytest.mark.parametrize("factor", [1e-12, -2.0, 1e12])
def test_unit_free(name: str, factor: float) -> None:
    prediction, target = fields((6, 10))
    before = METRICS[name](prediction, target)
    after = METRICS[name](factor * prediction.double(), factor * target.double())
    torch.testing.assert_close(after, before, rtol=1e-10, atol=0)


def test_linear_in_the_error(name: str) -> None:
    prediction, target = (part.double() for part in fields((6, 10)))
    double = METRICS[name](target + 2 * (prediction - target), target)
    torch.testing.assert_close(double, 2 * METRICS[name](prediction, target))


def test_infinite_where_the_target_has_no_scale(name: str) -> None:
    target = torch.zeros(1, 1, 1, 8, 8)
    assert METRICS[name](target + 1e-30, target).item() == math.inf


def test_a_prediction_that_is_not_finite_is_never_a_finite_number(name: str) -> None:
    prediction, target = fields((6, 10))
    prediction[0, 0, 0, 0, 0] = math.nan
    prediction[1, 1, 1, 0, 0] = math.inf
    finite = METRICS[name](prediction, target).isfinite()
    assert not finite[0, 0, 0]
    assert not finite[1, 1, 1]
    assert finite.sum() == finite.numel() - 2


@pytest.mark.parametrize("grid", GRIDS)
def test_masked_cells_count_for_nothing(name: str, grid: tuple[int, ...]) -> None:
    prediction, target = fields(grid)
    valid = torch.rand(target.shape, generator=torch.Generator().manual_seed(3)) > 0.4
    values = METRICS[name](prediction, target, valid)
    for index in np.ndindex(2, 3, 4):
        known = valid[index]
        alone = METRICS[name](
            prediction[index][known].view(1, 1, 1, -1), target[index][known].view(1, 1, 1, -1)
        )
        assert values[index].item() == pytest.approx(alone.item(), rel=1e-12)
    for other in (math.nan, math.inf, -7.0):
        guess, truth = (part.masked_fill(~valid, other) for part in (prediction, target))
        assert torch.equal(METRICS[name](guess, truth, valid), values)


def test_nan_where_nothing_is_known_and_nowhere_else(name: str) -> None:
    prediction, target = fields((6, 10))
    valid = torch.ones(target.shape, dtype=torch.bool)
    valid[1, 2, 3] = False
    values = METRICS[name](prediction, target, valid)
    assert values[1, 2, 3].isnan()
    assert values.isnan().sum() == 1
    torch.testing.assert_close(
        values.nan_to_num(0.0),
        METRICS[name](prediction, target).masked_fill(values.isnan(), 0.0),
        rtol=1e-12,
        atol=0,
    )
