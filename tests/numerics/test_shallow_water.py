"""The shallow-water solver against theory and PDEBench's own files."""

import math
from itertools import pairwise
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch
from scipy.optimize import brentq

from matey_core.simulators import Batch, Sample
from matey_core.simulators._integrate import collate
from matey_core.simulators.shallow_water import ShallowWater, ShallowWaterConfig

DTYPE = torch.float64


def solver(**settings: object) -> ShallowWater:
    return ShallowWaterConfig.model_validate(settings).build()


def problem(states: torch.Tensor) -> Batch:
    """Any states under unit gravity."""
    sample = Sample(state=states, parameters={"gravity": 1.0})
    return collate([sample], DTYPE, "cpu")


def centers(grid: int) -> torch.Tensor:
    return -2.5 + (torch.arange(grid, dtype=DTYPE) + 0.5) * (5 / grid)


def line(height: torch.Tensor, velocity: torch.Tensor) -> torch.Tensor:
    """A state that varies along x only, 5 cells wide along y."""
    channels = [height, height * velocity, torch.zeros_like(height)]
    return torch.stack(channels)[..., None].expand(-1, -1, 5)


def after(simulator: ShallowWater, states: torch.Tensor, time: float) -> torch.Tensor:
    batch = problem(states)
    steps = math.ceil(time / float(simulator.stable_step(batch.states, batch)) - 1e-9)
    states = batch.states
    for _ in range(steps):
        states = simulator.step(states, time / steps, batch)
    return states[0]


def stoker(x: np.ndarray, time: float, inner: float) -> np.ndarray:
    """Height behind a plane dam at x = 0 that broke at time 0, g = 1, outer height 1."""

    def excess(h: float) -> float:
        return 2 * (inner**0.5 - h**0.5) - (h - 1) * ((1 / h + 1) / 2) ** 0.5

    middle = brentq(excess, 1, inner, xtol=1e-14)
    velocity = 2 * (inner**0.5 - middle**0.5)
    shock = middle * velocity / (middle - 1)
    fan = (2 * inner**0.5 - x / time) ** 2 / 9
    rest = np.where(x < shock * time, middle, 1.0)
    inside = np.where(x < (velocity - middle**0.5) * time, fan, rest)
    return np.where(x < -(inner**0.5) * time, inner, inside)


@pytest.mark.parametrize(("folder", "group"), [("pdebench_64", "0100"), ("pdebench", "0023")])
def test_agrees_with_the_published_program(
    folder: str, group: str, request: pytest.FixtureRequest
) -> None:
    """With its order of sweeps to the rounding of its float32; otherwise as far as x from y."""
    path: Path = request.getfixturevalue(folder) / "2D/shallow-water/2D_rdb_NA_NA.h5"
    with h5py.File(path) as file:
        data = torch.from_numpy(file[f"{group}/data"][..., 0]).to(DTYPE)
    for sweeps, limit in (("x_first", 5e-8), ("symmetric", 1e-3)):
        simulator = solver(grid=data.shape[-1], sweeps=sweeps)
        drawn = collate([simulator.sample(np.random.RandomState(int(group)))], DTYPE, "cpu")
        ours = torch.stack([states[0, 0] for states in simulator.frames(drawn)])
        assert torch.equal(ours[0], data[0])
        errors = (ours - data).square().sum((1, 2)) / data.square().sum((1, 2))
        assert errors.max().sqrt().item() < limit


@pytest.mark.parametrize("inner", [2.0, 20.0])
def test_a_plane_dam_breaks_as_stoker_says(inner: float) -> None:
    """First order in L1, as at every shock; at 20 : 1 the rarefaction passes the speed 0."""
    time = 1.0 if inner < 10 else 0.4
    errors = []
    for grid in (80, 160, 320):
        x = centers(grid)
        start = line(torch.where(x < 0, inner, 1.0).to(DTYPE), torch.zeros_like(x))
        height = after(solver(grid=grid, inner_height=inner), start, time)[0]
        exact = stoker(x.numpy(), time, inner)
        errors.append(np.abs(height[:, 2].numpy() - exact).mean() / (inner - 1))
    assert errors[-1] < 2e-3
    orders = [math.log2(a / b) for a, b in pairwise(errors)]
    assert min(orders) > 0.8


def test_halving_the_cells_divides_the_error_of_a_simple_wave_by_four_or_more() -> None:
    """U − 2c is constant in it, and h keeps its value along x = x₀ + (u + c) t."""

    def start(x: np.ndarray) -> np.ndarray:
        return 1 + 0.1 * np.exp(-4 * x**2)

    def speed(x: np.ndarray) -> np.ndarray:
        return 3 * np.sqrt(start(x)) - 2

    time, errors = 0.5, []
    for grid in (50, 100, 200):
        x = centers(grid).numpy()
        feet = x - time
        for _ in range(200):
            feet = x - time * speed(feet)
        height = torch.from_numpy(start(x))
        states = after(solver(grid=grid), line(height, 2 * (height.sqrt() - 1)), time)
        errors.append(np.abs(states[0, :, 2].numpy() - start(feet)).mean())
    orders = [math.log2(a / b) for a, b in pairwise(errors)]
    assert min(orders) > 1.95


@pytest.mark.slow
def test_a_smooth_hump_in_the_plane_converges_at_second_order() -> None:
    def solution(grid: int) -> torch.Tensor:
        x = centers(grid)
        height = 1 + 0.2 * torch.exp(-2 * (x[:, None] ** 2 + 2 * (x - 0.3) ** 2))
        states = torch.stack([height, 0.1 * height, torch.zeros_like(height)])
        return after(solver(grid=grid), states, 0.4)[0]

    def coarse(values: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.avg_pool2d(values[None], 2)[0]

    solutions = [solution(grid) for grid in (32, 64, 128, 256)]
    errors = [(a - coarse(b)).abs().mean().item() for a, b in pairwise(solutions)]
    orders = [math.log2(a / b) for a, b in pairwise(errors)]
    assert orders == pytest.approx([2, 2], abs=0.25)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_round_dam_stays_as_symmetric_as_its_circle(dtype: torch.dtype) -> None:
    simulator = solver(grid=32)
    batch = collate([simulator.sample(np.random.RandomState(0))], dtype, "cpu")
    *_, last = simulator.frames(batch)
    height, x, y = last[0]
    rounding = 20 * torch.finfo(dtype).eps
    for image in (height.mT, height.flip(0), height.flip(1)):
        assert (image - height).abs().max().item() < rounding
    assert (x.mT - y).abs().max().item() < rounding
    assert (x.flip(0) + x).abs().max().item() < rounding
    assert height.std().item() > 0.05


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_lake_at_rest_stays_exactly_at_rest(dtype: torch.dtype) -> None:
    simulator = solver(grid=17, dam_radius=1.0, inner_height=1.0)
    batch = collate([simulator.sample(np.random.RandomState(0))], dtype, "cpu")
    *_, last = simulator.frames(batch)
    assert torch.equal(last, batch.states)


def test_mass_and_what_has_left_are_what_was_there() -> None:
    """What flows over an edge is the momentum in its cells."""
    x = centers(40)
    height = 1 + 0.3 * torch.exp(-3 * (x - 1.5) ** 2)
    batch = problem(line(height, torch.full_like(x, 0.4)))
    simulator, states, left = solver(grid=40), batch.states, 0.0
    dt = float(simulator.stable_step(states, batch))
    mass = [states[0, 0].sum().item()]
    for _ in range(60):
        left += dt / (5 / 40) * (states[0, 1, -1] - states[0, 1, 0]).sum().item()
        states = simulator.step(states, dt, batch)
        mass.append(states[0, 0].sum().item() + left)
    assert states[0, 0].sum().item() < 0.98 * mass[0]
    assert max(abs(value / mass[0] - 1) for value in mass) < 1e-14


def test_a_plane_wave_leaves_and_hardly_comes_back() -> None:
    x = centers(64)
    height = 1 + 0.1 * torch.exp(-8 * x**2)
    start = line(height, 2 * (height.sqrt() - 1))
    left = after(solver(grid=64), start, 5.0)[0]
    assert (left - 1).abs().max().item() < 0.01 * 0.1


def test_a_round_wave_leaves_and_hardly_comes_back() -> None:
    """Against the same in a sea that goes on; extrapolation sees crests that come aslant."""
    grid = 48
    x, far = centers(grid), centers(2 * grid) * 2

    def hump(points: torch.Tensor) -> torch.Tensor:
        height = 1 + 0.5 * torch.exp(-3 * (points[:, None] ** 2 + points**2))
        return torch.stack([height, torch.zeros_like(height), torch.zeros_like(height)])

    simulator = solver(grid=grid)
    near = after(simulator, hump(x), 4.0)[0]
    open_sea = after(simulator, hump(far), 4.0)[0]
    inside = open_sea[grid // 2 : -grid // 2, grid // 2 : -grid // 2]
    assert (near - inside).abs().max().item() < 0.03 * 0.5


@pytest.mark.parametrize("inner", [2.0, 10.0, 100.0])
def test_no_wave_outruns_the_step_and_water_never_runs_out(inner: float) -> None:
    interval = 0.02 / math.sqrt(inner)
    simulator = solver(grid=32, inner_height=inner, dam_radius=0.9, interval=interval)
    batch = collate([simulator.sample(np.random.RandomState(0))], DTYPE, "cpu")
    for states in simulator.frames(batch):
        height, x, y = states[0]
        assert height.min().item() > 0
        fastest = (torch.hypot(x, y) / height + height.sqrt()).max().item()
        assert fastest < simulator.fastest
