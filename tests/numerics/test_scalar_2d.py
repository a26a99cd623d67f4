"""2D heat, advection and Burgers against Fourier series, exact solutions and the plain way."""

import importlib
import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from bench.validation._compare import relative, solve
from bench.validation._scalars import spectral_burgers
from bench.validation.scalars_2d import _resample, diagonal_errors
from matey_core.simulators import SIMULATORS, Sample, Simulator
from matey_core.simulators._diffusion import diffuse_plane_
from matey_core.simulators._integrate import collate


def samples(simulator: Simulator, count: int = 2) -> list[Sample]:
    return [simulator.sample(np.random.RandomState(seed)) for seed in range(count)]


@pytest.mark.parametrize("name", ["heat_2d", "advection_2d"])
def test_linear_equations_are_solved_to_rounding(name: str) -> None:
    simulator = SIMULATORS[name](grid=20, frames=11, interval=0.2).build()
    problems = samples(simulator)
    plain = importlib.import_module(f"bench.plain.{name}").trajectory
    exact = np.stack([plain(simulator, problem) for problem in problems])
    assert relative(solve(simulator, problems), exact, axes=2).max() < 1e-13
    assert relative(solve(simulator, problems, "float32"), exact, axes=2).max() < 3e-6


@pytest.mark.parametrize("name", ["heat_2d", "advection_2d"])
def test_steps_add_up(name: str) -> None:
    """Ten steps are one step of ten times the length, and frames are steps from the start."""
    simulator = SIMULATORS[name](grid=16, frames=3, interval=0.5).build()
    batch = collate(samples(simulator), torch.float64, "cpu")
    states = batch.states
    for _ in range(10):
        states = simulator.step(states, 0.1, batch)
    *_, last = simulator.frames(batch)
    torch.testing.assert_close(states, last, rtol=0, atol=1e-14)


def test_one_wave_decays_and_moves() -> None:
    x = -1 + (np.arange(16) + 0.5) / 8
    waves = torch.zeros(2, 3, 3, dtype=torch.float64)
    waves[0, 1, 0] = 0.4  # 0.4 sin π(2x + y)
    angle = np.pi * np.add.outer(2 * x, x)
    heat = SIMULATORS["heat_2d"](grid=16, frames=2, interval=3.0).build()
    ours = solve(heat, [Sample(state=waves, parameters={"nu": 0.01})])[0, 1, 0]
    np.testing.assert_allclose(ours, 0.4 * math.exp(-0.15 * math.pi**2) * np.sin(angle), atol=1e-14)
    advection = SIMULATORS["advection_2d"](grid=16, frames=2, interval=3.0).build()
    ours = solve(advection, [Sample(state=waves, parameters={"ax": 0.3, "ay": -0.1})])[0, 1, 0]
    np.testing.assert_allclose(ours, 0.4 * np.sin(angle - np.pi * 1.5), atol=1e-14)


def test_burgers_agrees_with_fourier_series() -> None:
    fine = SIMULATORS["burgers_2d"](grid=128, frames=3, interval=0.25).build()
    (problem,) = samples(fine, 1)
    constants = dict(problem.parameters)
    exact = spectral_burgers(problem.state[0].numpy(), fine.times, **constants, step=0.01)
    errors = []
    for grid in (32, 64):
        simulator = SIMULATORS["burgers_2d"](grid=grid, frames=3, interval=0.25).build()
        ours = solve(simulator, samples(simulator, 1))[0, :, 0]
        theirs = np.stack([_resample(field, grid) for field in exact])
        errors.append(relative(ours, theirs, axes=2)[1:].max())
    assert errors[1] < 0.02
    assert errors[0] / errors[1] > 2.5


def test_burgers_along_the_diagonal_is_cole_and_hopfs() -> None:
    errors = diagonal_errors((32, 64, 128))
    orders = [math.log2(a / b) for a, b in pairwise(errors)]
    assert errors[-1] < 2e-3
    assert orders[1] > orders[0] > 1


def test_swapping_the_axes_swaps_burgers() -> None:
    """The sweeps have an order, which costs no more than the scheme's own error."""
    simulator = SIMULATORS["burgers_2d"](grid=48, frames=3, interval=0.25).build()
    (problem,) = samples(simulator, 1)
    constants = problem.parameters
    swapped = Sample(
        state=problem.state.transpose(-1, -2).contiguous(),
        parameters={"nu": constants["nu"], "cx": constants["cy"], "cy": constants["cx"]},
    )
    ours, other = solve(simulator, [problem, swapped])
    assert relative(other.swapaxes(-1, -2), ours, axes=2).max() < 2e-3


def test_burgers_keeps_its_mean_and_range() -> None:
    simulator = SIMULATORS["burgers_2d"](grid=32, frames=6, interval=0.2).build()
    problems = samples(simulator)
    for precision, rounding in (("float32", 1e-7), ("float64", 1e-15)):
        solution = solve(simulator, problems, precision)[:, :, 0]
        assert np.abs(solution.mean((-1, -2))).max() < rounding
        assert (np.diff(solution.max((-1, -2))) <= 1e-6).all()
        assert (np.diff(solution.min((-1, -2))) >= -1e-6).all()


@pytest.mark.parametrize("grid", [16, 21])
def test_diffusion_of_planes_is_exact(grid: int) -> None:
    x = torch.arange(grid).double() / grid
    wave = torch.cos(2 * math.pi * (2 * x[:, None] + 3 * x))[None, None]
    rate = sum(4 * math.sin(math.pi * mode / grid) ** 2 for mode in (2, 3))
    values = wave.clone()
    diffuse_plane_(values, torch.full((1, 1, 1, 1), 0.7, dtype=torch.float64))
    torch.testing.assert_close(values, math.exp(-0.7 * rate) * wave, rtol=0, atol=1e-14)


@pytest.mark.parametrize("name", ["burgers_2d", "burgers_1d", "reaction_diffusion_1d"])
def test_agrees_with_the_plain_way(name: str) -> None:
    simulator = SIMULATORS[name](grid=24, frames=4, interval=0.1).build()
    problems = samples(simulator)
    plain = importlib.import_module(f"bench.plain.{name}").trajectory
    exact = np.stack([plain(simulator, problem) for problem in problems])
    space = simulator.spec.grid.num_axes
    assert relative(solve(simulator, problems), exact, axes=space).max() < 1e-11
