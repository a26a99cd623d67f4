"""Least squares in the history: exact where data is linear, good where it is nearly so."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from matey_core.errors import ConfigError
from matey_core.forecasts import FORECASTS, Forecaster
from tests.unit.forecasts.stencils import Rule, batch_of, change, heat, march, smooth, upwind

SHAPES = [(64,), (24, 32), (12, 12, 12)]


def forecaster(**settings: object) -> Forecaster:
    return FORECASTS["local_linear"].choose({"name": "local_linear", **settings}).build()


def relative_error(prediction: Tensor, truth: Tensor) -> float:
    """Largest error over the spread."""
    return float((prediction - truth).abs().max() / truth.std())


@pytest.mark.parametrize("history", [2, 3, 4, 6])
@pytest.mark.parametrize("boundary", ["periodic", "no_flux"])
@pytest.mark.parametrize("rule", [heat, upwind])
@pytest.mark.parametrize("shape", SHAPES)
def test_what_a_linear_stencil_made_is_continued_to_rounding(
    shape: tuple[int, ...], rule: Rule, boundary: str, history: int
) -> None:
    truth = march(smooth(shape), rule, history + 20, wraps=boundary == "periodic")
    batch = batch_of(truth[:, :history], (1, 5, 20), boundary=boundary)  # type: ignore[arg-type]
    values = forecaster()(batch).values
    for index, (lead, tolerance) in enumerate([(1, 1e-6), (5, 2e-6), (20, 5e-6)]):
        assert relative_error(values[:, index], truth[:, history + lead - 1]) < tolerance


def test_fields_that_drive_one_another_and_a_constant_source() -> None:
    state = smooth((32, 32))
    frames = [state]
    for _ in range(9):
        state = state + change(state, heat, wraps=True) + 0.05 * state.flip(1) + 0.01
        frames.append(state)
    truth = torch.stack(frames, dim=1).float()
    values = forecaster()(batch_of(truth[:, :4], (1, 6))).values
    assert relative_error(values[:, 0], truth[:, 4]) < 1e-6
    assert relative_error(values[:, 1], truth[:, 9]) < 5e-6


def test_a_stencil_that_was_fitted_to_other_trajectories_is_the_same_everywhere() -> None:
    train = march(3 * smooth((24, 32), seed=1) + 5, upwind, 6)
    batches = [
        replace(batch_of(train[:, start : start + 4]), targets=train[:, start + 4 : start + 5])
        for start in range(2)
    ]
    common = forecaster().fitted(batches)
    truth = march(0.5 * smooth((24, 32), seed=2) - 3, upwind, 14)
    values = common(batch_of(truth[:, :4], (1, 10))).values
    assert relative_error(values[:, 0], truth[:, 4]) < 2e-5
    assert relative_error(values[:, 1], truth[:, 13]) < 2e-5
    with pytest.raises(ConfigError, match="Persistence has nothing that can be fitted"):
        FORECASTS["persistence"].choose("persistence").build().fitted(batches)


def test_waves_need_the_last_change() -> None:
    state = smooth((32, 32))
    frames = [state, state]
    while len(frames) < 12:
        inertia = frames[-1] - frames[-2]
        frames.append(frames[-1] + inertia + change(frames[-1], heat, wraps=True))
    truth = torch.stack(frames, dim=1).float()
    values = forecaster()(batch_of(truth[:, 1:5], (1, 7))).values
    assert relative_error(values[:, 0], truth[:, 5]) < 2e-6
    assert relative_error(values[:, 1], truth[:, 11]) < 2e-4
    two = forecaster()(batch_of(truth[:, 3:5], (1,))).values
    assert relative_error(two[:, 0], truth[:, 5]) > 1e-3


def test_missing_cells_are_walls_and_what_they_hold_changes_nothing() -> None:
    known = torch.ones(2, 2, 24, 24, dtype=torch.bool)
    known[:, :, 8:14, 10:15] = False
    state = smooth((24, 24))
    frames = [state]
    for _ in range(8):
        state = torch.where(known, state + change(state, heat, wraps=True, known=known), state)
        frames.append(state)
    truth = torch.stack(frames, dim=1).float()
    history = truth[:, :4].masked_fill(~known[:, None], 1e9)
    values = forecaster()(batch_of(history, (1, 5), known=known)).values
    for index, lead in enumerate((1, 5)):
        expected = truth[:, 3 + lead]
        assert relative_error(values[:, index][known], expected[known]) < 2e-6
        assert (values[:, index][~known] == 1e9).all()
    ignored = forecaster()(batch_of(history, (1,))).values[:, 0]
    assert relative_error(ignored[known], truth[:, 4][known]) > 1e-2


def test_a_field_of_which_nothing_is_known_leaves_the_others_theirs() -> None:
    truth = march(smooth((24, 24)), heat, 5)
    known = torch.ones(2, 2, 24, 24, dtype=torch.bool)
    known[:, 1] = False
    values = forecaster()(batch_of(truth[:, :4], known=known)).values
    assert relative_error(values[:, 0, 0], truth[:, 4, 0]) < 1e-6
    assert torch.equal(values[:, 0, 1], truth[:, 3, 1])


@pytest.mark.parametrize(("unit", "zero"), [(1e20, 0.0), (1e-20, 0.0), (-3.0, 300.0)])
def test_units_do_not_matter(unit: float, zero: float) -> None:
    truth = march(smooth((24, 24)), heat, 4) + march(smooth((24, 24), seed=1), upwind, 4)
    batch = batch_of(truth, (1, 4))
    other = batch_of(truth * unit + zero, (1, 4))
    expected = forecaster()(batch).values
    found = (forecaster()(other).values - zero) / unit
    tolerance = 1e-6 if zero == 0 else 2e-3  # 300 ± 3 has four digits less
    assert relative_error(found, expected) < tolerance


def test_a_constant_field_stays_and_disturbs_nothing() -> None:
    truth = march(smooth((24, 24), fields=1), upwind, 5)
    constant = torch.full_like(truth, 1e5)
    noisy = constant * (1 + 6e-8 * torch.randn(truth.shape, generator=torch.manual_seed(0)))
    for other in (constant, noisy, torch.zeros_like(truth)):
        fields = torch.cat([truth, other], dim=2)
        values = forecaster()(batch_of(fields[:, :4])).values[:, 0]
        assert relative_error(values[:, 0], truth[:, 4, 0]) < 1e-6
        torch.testing.assert_close(values[:, 1], other[:, 4, 0], rtol=5e-7, atol=1e-12)


def test_a_field_that_starts_to_move_does_not_explode() -> None:
    truth = march(smooth((24, 24)), upwind, 3)
    truth[:, 0, 1] = 0
    values = forecaster()(batch_of(truth[:, :2])).values
    assert values.abs().max() < 10 * truth.abs().max()


def test_many_points_are_sampled_and_a_linear_stencil_is_still_exact() -> None:
    truth = march(smooth((96, 96)), upwind, 5)
    batch = batch_of(truth[:, :4])
    assert relative_error(forecaster(points=500)(batch).values[:, 0], truth[:, 4]) < 1e-6


def test_not_finite_in_one_sample_leaves_the_others_theirs() -> None:
    truth = march(smooth((24, 24)), heat, 5)
    truth[0, 2, 0, 3, 3] = torch.nan
    values = forecaster()(batch_of(truth[:, :4])).values
    assert values[0].isnan().any()
    assert relative_error(values[1, 0], truth[1, 4]) < 1e-6
