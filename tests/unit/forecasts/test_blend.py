"""What a fit leaves unexplained, and the weights that follow from it."""

import math

import pytest
import torch

from matey_core.forecasts import Blend, Blended
from matey_core.forecasts.local_linear import LocalLinearConfig
from tests.unit.forecasts.stencils import batch_of, heat, march, smooth

FITTING = LocalLinearConfig().build()


def test_nothing_is_left_of_what_a_stencil_made_and_all_of_noise() -> None:
    truth = march(smooth((24, 32)), heat, 4)
    assert float(FITTING.fit(batch_of(truth)).unexplained.max()) < 1e-3
    noise = torch.randn(2, 4, 2, 48, 48, generator=torch.Generator().manual_seed(0))
    # The next change is half explained: what is added to a frame is taken off again.
    left = FITTING.fit(batch_of(noise)).unexplained
    assert 0.5 < float(left.min()) < float(left.max()) < 1


def test_what_is_left_is_that_of_the_fitted_changes() -> None:
    generator = torch.Generator().manual_seed(1)
    history = march(smooth((24, 24)), heat, 3) + 0.01 * torch.randn(
        2, 3, 2, 24, 24, generator=generator
    )
    fit = FITTING.fit(batch_of(history))
    past = fit.past
    said = fit.stencil.change(fit.weights, past.states[:, 1], past.changes[:, 0])
    change = past.changes[:, 1]
    expected = ((said - change).square().mean(2) / change.square().mean(2)).sqrt()
    torch.testing.assert_close(fit.unexplained, expected, rtol=1e-4, atol=0)


def test_weights_fall_with_what_is_left() -> None:
    blend = Blend(most=0.8, tolerated=0.1)
    left = torch.tensor([0.0, 0.1, 0.3, math.inf, math.nan])
    assert blend.weight(left).tolist() == pytest.approx([0.8, 0.4, 0.08, 0, 0])
    always = Blend(most=0.5, tolerated=math.inf)
    assert always.weight(left).tolist() == pytest.approx([0.5, 0.5, 0.5, 0, 0])


def windows(model: list[float], fit: list[float], left: list[float]) -> Blended:
    """Windows whose errors are independent, of the sizes given, around a truth of size 1."""
    own, other = torch.tensor(model).double(), torch.tensor(fit).double()
    return Blended(
        error=own**2,
        product=-(own**2),
        difference=own**2 + other**2,
        target=torch.ones_like(own),
        unexplained=torch.tensor(left).double(),
    )


def test_independent_errors_are_weighed_by_their_squares() -> None:
    equal = windows([0.1] * 8, [0.1] * 8, [0.2] * 8)
    best = equal.best()
    assert best is not None
    assert float(best.weight(torch.tensor([0.2]))) == pytest.approx(0.5, abs=0.05)
    assert equal.mean_error(best) == pytest.approx(0.1 / math.sqrt(2), rel=0.01)


def test_a_fit_that_fails_on_half_of_the_windows_is_heard_on_the_other() -> None:
    mixed = windows([0.1] * 8, [0.01] * 4 + [10.0] * 4, [1e-3] * 4 + [1.0] * 4)
    best = mixed.best()
    assert best is not None
    weights = best.weight(torch.tensor([1e-3, 1.0]))
    assert float(weights[0]) > 0.9
    assert float(weights[1]) < 1e-3
    assert mixed.mean_error(best) < 0.6 * mixed.mean_error(None)


@pytest.mark.parametrize(
    ("fit", "left"),
    [([10.0] * 8, [0.5] * 8), ([math.inf] * 8, [0.1] * 8), ([0.01] * 8, [math.nan] * 8)],
)
def test_a_fit_that_is_no_help_has_no_blend(fit: list[float], left: list[float]) -> None:
    assert windows([0.1] * 8, fit, left).best() is None


def test_too_few_windows_choose_nothing() -> None:
    assert windows([0.1] * 3, [0.0] * 3, [0.0] * 3).best() is None
