"""Normalization in units as large and as small as float32 holds."""

import pytest
import torch

from matey_core.criteria import CRITERIA, History
from matey_core.nn.scale import Scale
from matey_core.rounding import power_of_two


@pytest.mark.parametrize("unit", [2.0**-110, 1e-25, 1e-8, 1.0, 1e8, 1e20, 1e35])
def test_units_never_matter(unit: float) -> None:
    generator = torch.Generator().manual_seed(0)
    history = torch.randn(2, 3, 2, 8, 8, generator=generator) + 0.5
    scale, expected = Scale.of(history * unit), Scale.of(history)
    torch.testing.assert_close(scale.std / unit, expected.std, rtol=1e-5, atol=0)
    torch.testing.assert_close(scale.mean / unit, expected.mean, rtol=1e-5, atol=0)
    torch.testing.assert_close(
        scale.normalize(history * unit), expected.normalize(history), rtol=1e-4, atol=1e-5
    )


def test_units_that_are_powers_of_two_change_no_bit() -> None:
    history = torch.randn(2, 3, 2, 8, 8, generator=torch.Generator().manual_seed(1))
    small, plain = Scale.of(history * 2.0**-40), Scale.of(history)
    assert torch.equal(small.std * 2.0**40, plain.std)
    assert torch.equal(small.mean * 2.0**40, plain.mean)


def test_constant_fields_and_fields_of_zeros() -> None:
    history = torch.zeros(1, 2, 3, 4, 4)
    history[:, :, 1], history[:, :, 2] = 3.0, 3e30
    assert Scale.of(history).std.tolist()[0] == pytest.approx([1.0, 3e-6, 3e24], rel=1e-5)


@pytest.mark.parametrize("shape", [(8, 8), (37, 53), (1000,), (7, 9, 11)])
@pytest.mark.parametrize("value", [0.0, 1e-38, 1e-8, 0.3, 1 / 3, 1.5, 300.0, 101325.0, -3e9, 1e20])
def test_a_constant_field_is_exactly_zero(value: float, shape: tuple[int, ...]) -> None:
    """It was 0.1 for a value of 0.3: a rounded sum, over a floor of the same size."""
    history = torch.full((1, 3, 1, *shape), value)
    scale = Scale.of(history)
    normal = scale.normalize(history)
    assert scale.std.item() > 0
    assert normal.abs().max() == 0
    torch.testing.assert_close(scale.restore(normal), history, rtol=2e-7, atol=0)


@pytest.mark.parametrize("value", [0.3, 1.0, 300.0, 1e20])
def test_noise_of_one_rounding_is_nothing(value: float) -> None:
    generator = torch.Generator().manual_seed(3)
    constant = torch.full((1, 4, 1, 16, 16), value)
    next_up = torch.nextafter(constant, torch.full_like(constant, torch.inf))
    noisy = torch.where(torch.rand(constant.shape, generator=generator) < 0.5, constant, next_up)
    scale = Scale.of(noisy)
    assert scale.normalize(noisy).abs().max() == 0
    assert scale.rounding.item() == 0
    wave = constant * (1 + 1e-5 * torch.sin(torch.arange(16.0)))
    assert Scale.of(wave).normalize(wave).square().mean().item() == pytest.approx(1, rel=0.05)


@pytest.mark.parametrize(("spread", "tolerance"), [(0.5, 1e-4), (0.01, 4e-3)])
def test_a_large_mean_costs_no_more_than_its_storage(spread: float, tolerance: float) -> None:
    """Kelvin and celsius differ by the rounding of 300 K in float32, 1.5e-5 K at most."""
    wave = spread * torch.randn(2, 4, 1, 32, 32, generator=torch.Generator().manual_seed(4))
    celsius, kelvin = wave, wave + 300
    warm = Scale.of(kelvin)
    difference = warm.normalize(kelvin) - Scale.of(celsius).normalize(celsius)
    assert difference.abs().max() < tolerance
    assert warm.rounding.flatten().tolist() == pytest.approx([3e-4 / spread] * 2, rel=0.05)


def test_what_is_not_finite_stays_so() -> None:
    history = torch.ones(1, 2, 2, 4, 4)
    history[:, :, 1, 0, 0] = torch.nan
    normal = Scale.of(history).normalize(history)
    assert (normal[:, :, 0] == 0).all()
    assert normal[:, :, 1].isnan().all()


def test_powers_of_two() -> None:
    values = torch.tensor([0.0, 1.0, 1.5, 2.0, 3.3e38, 1.2e-38, 1e-44])
    units = power_of_two(values)
    assert units[:4].tolist() == [1.0, 1.0, 1.0, 2.0]
    assert ((values[1:6] / units[1:6] >= 1) & (values[1:6] / units[1:6] < 2)).all()
    assert units.isfinite().all()


def test_the_largest_field_decides_in_any_units() -> None:
    generator = torch.Generator().manual_seed(2)
    values = torch.randn(1, 2, 2, 8, 8, generator=generator)
    scores = [
        CRITERIA["raw_variance"](
            History(values=values, std=torch.tensor([[1.0, 4.0]]) * unit), (4, 4)
        )
        for unit in (1.0, 2.0**90)
    ]
    assert torch.equal(*scores)
    assert scores[0].isfinite().all()
