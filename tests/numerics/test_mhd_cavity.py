"""The MHD cavity against tables, closed forms and theory."""

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from bench.validation._ghia import DURATIONS, center_lines
from matey_core.simulators import Batch
from matey_core.simulators._integrate import collate
from matey_core.simulators._staggered import Box
from matey_core.simulators.mhd_cavity import MhdCavity, MhdCavityConfig


def solver(*, grid: int = 16, **settings: Any) -> MhdCavity:
    return MhdCavityConfig(grid=grid, **settings).build()


def problem(simulator: MhdCavity, dtype: torch.dtype = torch.float64) -> Batch:
    return collate([simulator.sample(np.random.RandomState(0))], dtype, "cpu")


def last(simulator: MhdCavity, batch: Batch) -> torch.Tensor:
    *_, states = simulator.frames(batch)
    return states


def orders(errors: list[float]) -> list[float]:
    return [math.log2(a / b) for a, b in pairwise(errors)]


def from_ghia(grid: int, reynolds: int, duration: float) -> float:
    """Largest distance from the published table along both center lines."""
    simulator = solver(
        grid=grid, frames=2, interval=duration, reynolds=reynolds, magnetic_reynolds=1.0, stuart=0.0
    )
    u, v = (part[0].numpy() for part in simulator.box.split(last(simulator, problem(simulator))))
    lines = center_lines(u[grid // 2], v[:, grid // 2], reynolds)
    return max(line.distance for line in lines)


def test_center_lines_approach_the_published_table() -> None:
    """At Re 100; a hundredth of the lid's speed is asked at 128², and met at 32² already."""
    coarse, fine = (from_ghia(grid, 100, 12) for grid in (16, 32))
    assert coarse < 0.03
    assert fine < 0.01


@pytest.mark.slow
@pytest.mark.parametrize(("reynolds", "duration"), DURATIONS.items())
def test_center_lines_meet_the_published_table(reynolds: int, duration: float) -> None:
    assert from_ghia(128, reynolds, duration) < 0.01


def from_hartmann(rows: int, hartmann: float = 5.0) -> float:
    """Distance from Hartmann's profile, of a flow that was given it, in units of its center.

    Along x between insulating walls half a unit from the center, driven evenly:
    u(y)/u(0) = (cosh Ha − cosh(Ha y))/(cosh Ha − 1), y from −1 to 1, Ha² = S Rm Re/4.
    """
    reynolds = 10.0
    stuart = 4 * hartmann**2 / reynolds
    simulator = solver(
        grid=8, frames=2, interval=0.6, reynolds=reynolds, magnetic_reynolds=1.0, stuart=stuart
    )
    simulator.place(Box((4, rows), 1 / rows, periodic=True))
    simulator.lid = torch.zeros(5, dtype=torch.float64)
    simulator.drive = 1.0
    batch = problem(simulator)

    def wave(y: np.ndarray) -> np.ndarray:
        return np.cosh(hartmann * y) / np.cosh(hartmann)

    scale = hartmann / (stuart * np.tanh(hartmann))
    centers, corners = 2 * (np.arange(rows) + 0.5) / rows - 1, np.linspace(-1, 1, rows + 1)
    exact = scale * (1 - wave(centers))
    potential = wave(corners) / hartmann**2 - np.tanh(hartmann) / hartmann * corners**2 / 2
    batch.states[:, 0, :, :rows] = torch.from_numpy(exact)
    batch.states[:, 2] = torch.from_numpy(potential * scale / 4)
    u = simulator.box.split(last(simulator, batch))[0][0].numpy()
    return float(np.abs(u - exact).max() / exact.max())


def test_the_channel_keeps_hartmanns_profile_with_order_two() -> None:
    errors = [from_hartmann(rows) for rows in (12, 24, 48)]
    assert errors[-1] < 8e-3
    assert orders(errors) == pytest.approx([1.7, 1.85], abs=0.1)


@pytest.mark.parametrize("walls", ["insulating", "conducting"])
def test_the_field_decays_as_resistance_has_it(walls: str) -> None:
    """In a fluid at rest: order two in space, and in time for the implicit steps."""
    wave = torch.cos if walls == "insulating" else torch.sin

    def decayed(grid: int, steps: int) -> tuple[float, float]:
        simulator = solver(grid=grid, walls=walls, stuart=0.0, magnetic_reynolds=2.0)
        simulator.lid = torch.zeros(grid + 1, dtype=torch.float64)
        batch = problem(simulator)
        x = torch.arange(grid + 1, dtype=torch.float64) / grid * math.pi
        states = batch.states.clone()
        states[:, 2] = start = wave(x)[:, None] * wave(2 * x)
        for _ in range(steps):
            states = simulator.step(states, 0.1 / steps, batch)
        assert not states[:, :2].any()
        kept = (states[0, 2] * start).sum() / (start * start).sum()
        rate = sum(4 * grid**2 * math.sin(m * math.pi / 2 / grid) ** 2 for m in (1, 2))
        return kept.item(), math.exp(-0.05 * rate)

    in_time = [abs(a - b) for a, b in (decayed(12, steps) for steps in (4, 8, 16))]
    assert orders(in_time) == pytest.approx([2, 2], abs=0.3)
    exact = math.exp(-0.05 * 5 * math.pi**2)
    in_space = [abs(decayed(grid, 200)[0] - exact) for grid in (8, 16)]
    assert orders(in_space) == pytest.approx([2], abs=0.1)


@pytest.mark.parametrize("settings", [{}, {"walls": "conducting", "field": "parallel"}])
@pytest.mark.parametrize(("stiffness", "steps"), [(0.1, (16, 32, 64)), (10.0, (64, 128, 256))])
def test_halving_the_step_divides_the_error_by_four(
    settings: dict[str, str], stiffness: float, steps: tuple[int, ...]
) -> None:
    """From a smooth motion, with a field that follows the flow at once and one that does not."""
    constants = {"reynolds": 200.0, "magnetic_reynolds": stiffness, "stuart": 1.0}
    simulator = solver(grid=12, regularized_lid=True, **constants, **settings)
    batch = problem(simulator)
    states = batch.states
    for _ in range(50):
        states = simulator.step(states, 0.02, batch)

    def solution(count: int) -> torch.Tensor:
        values = states
        for _ in range(count):
            values = simulator.step(values, 0.8 / count, batch)
        return simulator.observe(values, batch)

    changes = [(a - b).norm().item() for a, b in pairwise(solution(count) for count in steps)]
    assert orders(changes)[0] > 1.8


@pytest.mark.parametrize("walls", ["insulating", "conducting"])
def test_without_a_lid_energy_is_only_lost(walls: str) -> None:
    simulator = solver(grid=16, walls=walls, reynolds=300.0, magnetic_reynolds=5.0, stuart=4.0)
    simulator.lid = torch.zeros(17, dtype=torch.float64)
    batch = problem(simulator)
    noise = torch.from_numpy(np.random.RandomState(1).standard_normal((1, 3, 17, 17)))
    states = torch.zeros_like(noise)
    velocity = simulator.box.split(states)
    for part, drawn in zip(
        simulator.box.moving(velocity),
        simulator.box.moving(simulator.box.split(noise)),
        strict=True,
    ):
        part.copy_(drawn)
    simulator.box.project_(velocity)
    states[:, 2, 1:-1, 1:-1] = 0.02 * noise[:, 2, 1:-1, 1:-1]

    def energy(states: torch.Tensor) -> float:
        parts = (*simulator.box.split(states), *simulator.induction.field(states[:, 2]))
        return sum(w * (p * p).sum().item() for w, p in zip((1, 1, 4, 4), parts, strict=True))

    energies = [energy(states)]
    for _ in range(100):
        dt = simulator.stable_step(states, batch).view(1, 1, 1, 1)
        states = simulator.step(states, dt, batch)
        energies.append(energy(states))
    assert (np.diff(energies) < 0).all()
    assert energies[-1] < 0.5 * energies[0]


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 5e-13), (torch.float32, 2e-4)])
@pytest.mark.parametrize("walls", ["insulating", "conducting"])
def test_neither_field_has_sources(walls: str, dtype: torch.dtype, bound: float) -> None:
    """In cells of the grid, and around corners of the stored means."""
    simulator = solver(grid=24, frames=5, walls=walls, magnetic_reynolds=8.0, stuart=5.0)
    batch = problem(simulator, dtype)
    states = last(simulator, batch)
    field = simulator.induction.field(states[:, 2])
    assert max(abs(part).max().item() for part in field) > 0.01
    for part in (simulator.box.split(states), field):
        assert (simulator.box.divergence(part) * 24).abs().max().item() < bound
    ux, uy, bx, by = simulator.observe(states, batch)[0]
    for x, y in ((ux, uy), (bx, by)):
        along_x = x.diff(dim=0)[:, 1:] + x.diff(dim=0)[:, :-1]
        along_y = y.diff(dim=1)[1:] + y.diff(dim=1)[:-1]
        assert ((along_x + along_y) * 12).abs().max().item() < bound


def test_a_field_that_does_not_pull_leaves_the_flow_alone() -> None:
    def flow(**settings: Any) -> torch.Tensor:
        simulator = solver(frames=4, reynolds=200.0, stuart=0.0, **settings)
        batch = problem(simulator)
        return simulator.observe(last(simulator, batch), batch)[:, :2]

    assert torch.equal(flow(magnetic_reynolds=1.0), flow(magnetic_reynolds=5.0, field="parallel"))


def test_a_transverse_field_slows_the_vortex() -> None:
    def speed(stuart: float) -> float:
        simulator = solver(
            grid=24, frames=2, interval=6.0, reynolds=200.0, magnetic_reynolds=1.0, stuart=stuart
        )
        batch = problem(simulator)
        return simulator.observe(last(simulator, batch), batch)[:, :2].square().mean().sqrt().item()

    speeds = [speed(stuart) for stuart in (0.0, 0.5, 5.0)]
    assert speeds[0] > 1.2 * speeds[1] > 1.44 * speeds[2]
