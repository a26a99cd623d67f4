"""Settings, file names and starts of compressible flow."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from matey_core.errors import ConfigError
from matey_core.simulators import Batch
from matey_core.simulators._integrate import collate
from matey_core.simulators._super_step import reach, stages_for, super_step
from matey_core.simulators.compressible_flow import GAMMA, CompressibleFlow, CompressibleFlowConfig


def solver(**settings: object) -> CompressibleFlow:
    return CompressibleFlowConfig.model_validate(settings).build()


@pytest.mark.parametrize(
    ("settings", "file"),
    [
        ({}, "2D/CFD/2D_Train_Rand/2D_CFD_Rand_M0.1_Eta0.01_Zeta0.01_periodic_128_Train.hdf5"),
        (
            {"start": "turbulence", "mach": 1.0, "eta": 1e-8, "zeta": 1e-8},
            "2D/CFD/2D_Train_Turb/2D_CFD_Turb_M1.0_Eta1e-08_Zeta1e-08_periodic_128_Train.hdf5",
        ),
        (
            {"dimension": 1, "eta": 0.1, "zeta": 0.1},
            "1D/CFD/Train/1D_CFD_Rand_Eta0.1_Zeta0.1_periodic_Train.hdf5",
        ),
        (
            {"dimension": 1, "start": "shock_tube", "eta": 1e-8, "zeta": 1e-8},
            "1D/CFD/Train/1D_CFD_Shock_Eta1.e-8_Zeta1.e-8_trans_Train.hdf5",
        ),
        (
            {"dimension": 3, "eta": 1e-8, "zeta": 1e-8},
            "3D/Train/3D_CFD_Rand_M1.0_Eta1e-08_Zeta1e-08_periodic_Train.hdf5",
        ),
    ],
)
def test_files_have_published_names(settings: dict[str, object], file: str) -> None:
    assert solver(**settings).file == file


def test_the_dimension_decides_what_is_left_out() -> None:
    sizes = {
        dimension: (config.grid, config.frames, config.interval)
        for dimension in (1, 2, 3)
        if (config := CompressibleFlowConfig.model_validate({"dimension": dimension}))
    }
    assert sizes == {1: (1024, 101, 0.01), 2: (128, 21, 0.05), 3: (64, 21, 0.05)}
    assert CompressibleFlowConfig(dimension=3, grid=9).grid == 9
    assert CompressibleFlowConfig().grid == 128
    with pytest.raises(ValidationError):
        CompressibleFlowConfig.model_validate({"dimension": 4})


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"dimension": 1, "start": "turbulence"}, "turbulence needs 2 or 3 dimensions, not 1"),
        ({"start": "shock_tube", "boundary": "periodic"}, "boundary outflow, not periodic"),
    ],
)
def test_refuses_what_cannot_work(settings: dict[str, object], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        solver(**settings)


def test_one_dimension_has_its_own_domain_and_attributes() -> None:
    simulator = solver(dimension=1, grid=16)
    assert simulator.origin == (-1.0,)
    assert simulator.spec.grid.spacing == (0.125,)
    assert set(simulator.sample(np.random.RandomState(0)).parameters) == {"eta", "zeta"}
    two = solver(grid=16)
    assert two.origin == (0.0, 0.0)
    assert two.keys == {"velocity_x": "Vx", "velocity_y": "Vy"}
    assert set(two.sample(np.random.RandomState(0)).parameters) == {"eta", "zeta", "M"}


def start(simulator: CompressibleFlow, seed: int) -> tuple[Batch, torch.Tensor]:
    batch = collate([simulator.sample(np.random.RandomState(seed))], torch.float64, "cpu")
    return batch, simulator.observe(batch.states, batch)[0]


@pytest.mark.parametrize("dimension", [2, 3])
def test_turbulence_is_uniform_and_turns_more_than_it_squeezes(dimension: int) -> None:
    _, fields = start(solver(dimension=dimension, grid=16, start="turbulence", mach=0.7), 0)
    velocity = fields[2:]
    torch.testing.assert_close(fields[0], torch.ones_like(fields[0]))
    torch.testing.assert_close(fields[1], torch.full_like(fields[1], 1 / GAMMA))
    assert velocity.square().sum(0).mean().sqrt().item() == pytest.approx(0.7, rel=1e-12)
    assert velocity.flatten(1).mean(1).abs().max().item() < 1e-14
    spectrum = torch.fft.fftn(velocity, dim=tuple(range(1, dimension + 1)))
    numbers = torch.meshgrid(*[torch.fft.fftfreq(16, 1 / 16).double()] * dimension, indexing="ij")
    length = torch.stack(numbers).square().sum(0).sqrt().clamp(min=1)
    along = sum(k * v for k, v in zip(numbers, spectrum, strict=True)) / length
    share = along.abs().square().sum() / spectrum.abs().square().sum()
    assert share.item() == pytest.approx(0.1, rel=1e-12)


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_random_fields_are_positive_and_half_of_them_windowed(dimension: int) -> None:
    simulator = solver(dimension=dimension, grid=64 if dimension == 1 else 16, mach=0.3)
    windowed = 0
    for seed in range(40):
        _, fields = start(simulator, seed)
        assert fields[:2].min().item() > 0
        windowed += bool((fields[2].diff(dim=-1).abs() < 1e-6).double().mean() > 0.2)
    assert 10 <= windowed <= 30


def test_a_seed_is_one_problem_at_any_resolution() -> None:
    """Cells of the fine grid that share a center with a coarse one: three to one."""
    for settings in ({"start": "random"}, {"start": "turbulence"}, {"start": "shock_tube"}):
        _, coarse = start(solver(grid=9, **settings), 5)
        _, fine = start(solver(grid=27, **settings), 5)
        torch.testing.assert_close(fine[:, 1::3, 1::3], coarse)


def test_a_step_is_limited_by_sound_and_by_viscous_stages() -> None:
    simulator = solver(grid=16, eta=0.0, zeta=0.0, mach=0.0)
    batch, fields = start(simulator, 2)
    sound = (GAMMA * fields[1] / fields[0]).sqrt().max().item()
    limit = simulator.stable_step(batch.states, batch)
    assert limit.item() == pytest.approx(0.8 / (16 * 2 * sound), rel=1e-12)
    thick = solver(grid=16, eta=10.0, zeta=0.0, mach=0.0)
    slow = batch.states.clone()
    slow[:, 0], slow[:, 1], slow[:, 2:] = 1.0, 1e-4, 0.0
    diffusion = (4 / 3 + 1) * 10
    expected = 0.9 * reach(thick.stages) / (16**2 * diffusion)
    assert thick.stable_step(slow, batch).item() == pytest.approx(expected, rel=1e-12)


def test_negligible_viscosity_takes_no_stages() -> None:
    assert solver(grid=16, eta=1e-8, zeta=1e-8).stages == 0
    assert solver(grid=16, eta=0.01, zeta=0.0).stages >= 3


@pytest.mark.parametrize("stages", [3, 5, 9, 15])
def test_a_super_step_is_second_order_and_stable_as_far_as_it_reaches(stages: int) -> None:
    """On y' = λy: 1 + z + z²/2 to third order at 0, and |R| ≤ 1 for −z up to twice its reach."""

    def growth(z: float) -> float:
        return (
            1
            + super_step(
                lambda change: (
                    torch.tensor(z, dtype=torch.float64) * (1 + (0 if change is None else change))
                ),
                stages,
            ).item()
        )

    assert growth(-0.01) - math.exp(-0.01) == pytest.approx(0, abs=2e-7)
    assert growth(0.0) == 1.0
    for z in np.linspace(0, -2 * reach(stages), 200):
        assert abs(growth(float(z))) <= 1 + 1e-12
    assert abs(growth(-2.4 * reach(stages))) > 1
    assert stages_for(reach(stages)) == stages
