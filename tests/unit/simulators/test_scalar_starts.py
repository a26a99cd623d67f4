"""Starts of the scalar equations: what is drawn, at any resolution."""

import numpy as np
import pytest
import torch

from matey_core.simulators import SIMULATORS
from matey_core.simulators._drawn import ends
from matey_core.simulators._plane_waves import draw_waves, evaluate
from matey_core.simulators._sine_starts import SHIFT, averages, draw_start

NAMES = (
    "advection_1d",
    "burgers_1d",
    "reaction_diffusion_1d",
    "heat_2d",
    "advection_2d",
    "burgers_2d",
)


def starts(count: int) -> torch.Tensor:
    return torch.stack([draw_start(np.random.RandomState(seed)) for seed in range(count)])


def test_sums_of_two_sines_are_drawn_as_in_the_files() -> None:
    numbers = starts(2000)
    _, offset, folded, sign, left, _, *waves = numbers.unbind(1)
    first, second = waves[0], waves[3]
    assert folded.mean() == pytest.approx(0.1, abs=0.025)
    assert (left > 0).double().mean() == pytest.approx(0.1, abs=0.025)
    assert sign.abs().unique().tolist() == [1]
    assert sign.mean() == pytest.approx(0, abs=0.05)
    # Six or seven sines without a wavenumber: A sin φ has the variance 1/6.
    assert offset.std() == pytest.approx((49 / 48) ** 0.5, abs=0.05)
    twice = second == 0
    assert twice.double().mean() == pytest.approx(1 / 8, abs=0.025)
    assert sorted(first[twice].unique().tolist()) == [2, 4, 6, 8, 10, 12, 14, 16]
    assert sorted(second[~twice].unique().tolist()) == [2, 3, 4, 5, 6, 7, 8]


def test_a_plain_start_is_its_formula() -> None:
    numbers = torch.tensor(
        [[0.25, 0.5, 0, 1, -1, 2, 3, 0.7, 0.4, 8, 0.2, 1.0]], dtype=torch.float64
    )
    x = (np.arange(1024) + 0.5) / 1024 - 0.25
    formula = 0.5 + 0.7 * np.sin(6 * np.pi * x + 0.4) + 0.2 * np.sin(16 * np.pi * x + 1)
    np.testing.assert_allclose(averages(numbers, 1024)[0], formula, atol=1e-13)


def test_folds_and_windows() -> None:
    plain = torch.tensor([[0, 0.1, 0, 1, -1, 2, 3, 0.7, 0.4, 8, 0.2, 1.0]], dtype=torch.float64)
    changed = plain.clone()
    changed[0, 2:6] = torch.tensor([1, -1, 0.2, 0.7], dtype=torch.float64)
    whole, part = averages(plain, 1024)[0], averages(changed, 1024)[0]
    x = (torch.arange(1024).double() + 0.5) / 1024
    inside, outside = (x > 0.3) & (x < 0.6), (x < 0.1) | (x > 0.8)
    torch.testing.assert_close(part[inside], -whole[inside].abs(), rtol=1e-8, atol=0)
    assert part[outside].abs().max() < 1e-8


@pytest.mark.parametrize("cells", [16, 19, 64, 1024, 1500])
def test_the_mean_stays_wherever_a_start_has_moved(cells: int) -> None:
    still = starts(40)
    moved = still.clone()
    moved[:, SHIFT] = 0.3712
    before, after = averages(still, cells), averages(moved, cells)
    change = (before.mean(1) - after.mean(1)).abs() / before.square().mean(1).sqrt()
    assert change.max().item() < 3e-5  # kinks of folded starts, between 1024 points


@pytest.mark.parametrize("name", ["burgers_1d", "reaction_diffusion_1d"])
def test_coarse_cells_are_averages_of_fine_ones(name: str) -> None:
    coarse, fine = (
        SIMULATORS[name](grid=grid).build().sample(np.random.RandomState(5)).state
        for grid in (256, 1024)
    )
    torch.testing.assert_close(coarse, fine.view(1, 256, 4).mean(-1), rtol=0, atol=1e-14)


def test_reaction_starts_from_0_to_1() -> None:
    simulator = SIMULATORS["reaction_diffusion_1d"]().build()
    for seed in range(5):
        low, high = simulator.sample(np.random.RandomState(seed)).state.aminmax()
        assert (low.item(), high.item()) == pytest.approx((0, 1), abs=1e-12)


def test_plane_waves_are_their_formula_on_any_grid() -> None:
    waves = draw_waves(np.random.RandomState(2))
    amplitudes = torch.complex(*waves).numpy()
    for grid in (10, 16):
        x = -1 + (np.arange(grid) + 0.5) * 2 / grid
        formula = sum(
            amplitudes[p - 1, q - 1] * np.exp(1j * np.pi * np.add.outer(p * x, q * x))
            for p in (1, 2, 3)
            for q in (1, 2, 3)
        ).imag
        np.testing.assert_allclose(evaluate(waves[None], grid)[0, 0], formula, atol=1e-13)


def test_plane_waves_have_the_published_size() -> None:
    waves = torch.stack([draw_waves(np.random.RandomState(seed)) for seed in range(2000)])
    energy = waves.square().sum(1)  # of each wave, twice its mean square
    # Five waves of mean squared amplitude 1/12 on nine places.
    np.testing.assert_allclose(energy.mean(0), np.full((3, 3), 5 / 12 / 9), rtol=0.15)


@pytest.mark.parametrize("name", NAMES)
def test_constants_are_in_their_ranges_and_in_the_name(name: str) -> None:
    config = SIMULATORS[name]()
    simulator = config.build()
    keys = simulator.sample(np.random.RandomState(0)).parameters
    assert all(key.lower() in simulator.file.lower() for key in keys)
    for seed in range(10):
        for key, value in simulator.sample(np.random.RandomState(seed)).parameters.items():
            low, high = ends(getattr(config, key.lower()))
            assert low <= value <= high


def test_published_names() -> None:
    files = [SIMULATORS[name]().build().file for name in NAMES[:3]]
    assert files == [
        "1D/Advection/Train/1D_Advection_Sols_beta0.1.hdf5",
        "1D/Burgers/Train/1D_Burgers_Sols_Nu0.01.hdf5",
        "1D/ReactionDiffusion/Train/ReacDiff_Nu0.5_Rho1.0.hdf5",
    ]


@pytest.mark.parametrize("name", NAMES)
def test_a_drawn_constant_leaves_the_start_as_it_was(name: str) -> None:
    key = next(iter(SIMULATORS[name]().build().sample(np.random.RandomState(0)).parameters))
    fixed, drawn = (
        SIMULATORS[name](grid=16, **{key.lower(): value}).build().sample(np.random.RandomState(4))
        for value in (0.5, (0.4, 0.6))
    )
    assert torch.equal(fixed.state, drawn.state)
    assert fixed.parameters[key] == 0.5
