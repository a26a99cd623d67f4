"""Forced incompressible flow against manufactured solutions and the published file."""

import math
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from matey_core.simulators import Batch
from matey_core.simulators._integrate import collate
from matey_core.simulators.incompressible_flow import IncompressibleFlow, IncompressibleFlowConfig


def solver(*, grid: int = 16, **settings: Any) -> IncompressibleFlow:
    return IncompressibleFlowConfig(grid=grid, **settings).build()


def drawn(
    simulator: IncompressibleFlow, seed: int = 0, dtype: torch.dtype = torch.float64
) -> Batch:
    return collate([simulator.sample(np.random.RandomState(seed))], dtype, "cpu")


def solution(simulator: IncompressibleFlow, batch: Batch) -> torch.Tensor:
    """(t, c, x, y) frames of the first sample."""
    return torch.stack([simulator.observe(s, batch)[0] for s in simulator.frames(batch)])


def orders(errors: list[float]) -> list[float]:
    return [math.log2(a / b) for a, b in pairwise(errors)]


def test_a_forced_steady_flow_stays_with_order_two() -> None:
    """Of the stream function sin²(πx) sin²(πy), under the force v·∇v − ν Δv."""
    viscosity = 0.05

    def error(grid: int) -> float:
        simulator = solver(grid=grid, frames=2, interval=0.5, nu=viscosity, force_acts_on="fluid")
        pi, x = math.pi, (torch.arange(grid, dtype=torch.float64) + 0.5) / grid
        wave, slope = torch.sin(pi * x) ** 2, pi * torch.sin(2 * pi * x)
        bend, third = 2 * pi**2 * torch.cos(2 * pi * x), -4 * pi**2 * slope

        def product(along_x: torch.Tensor, along_y: torch.Tensor) -> torch.Tensor:
            return along_x[:, None] * along_y

        u, v = product(wave, slope), -product(slope, wave)
        ux, uy = product(slope, slope), product(wave, bend)
        vx, vy = -product(bend, wave), -product(slope, slope)
        friction_u = product(bend, slope) + product(wave, third)
        friction_v = -product(third, wave) - product(slope, bend)
        force = torch.stack(
            [
                u * ux + v * uy - viscosity * friction_u,
                u * vx + v * vy - viscosity * friction_v,
            ]
        )
        state = simulator.start(torch.stack([u, v, 0 * u])[None])
        numbers = {"NU": torch.full((1, 1, 1), viscosity, dtype=torch.float64)}
        batch = Batch(states=state, parameters=numbers, static=force[None])
        last = solution(simulator, batch)[-1]
        exact = torch.stack([u, v])
        return ((last[:2] - exact).norm() / exact.norm()).item()

    errors = [error(grid) for grid in (16, 32, 64)]
    assert errors[-1] < 2e-3
    assert orders(errors) == pytest.approx([2, 2], abs=0.15)


def test_halving_the_step_divides_the_error_by_eight() -> None:
    """Of the velocity, where the force does not depend on the scalar and its limiter."""
    simulator = solver(grid=12, smoothness=2.0, force_acts_on="fluid")
    batch = drawn(simulator)
    states = batch.states
    for _ in range(10):
        states = simulator.step(states, 0.005, batch)

    def velocity(steps: int) -> torch.Tensor:
        values = states
        for _ in range(steps):
            values = simulator.step(values, 0.2 / steps, batch)
        return values[:, :2]

    changes = [(a - b).norm().item() for a, b in pairwise(velocity(n) for n in (16, 32, 64, 128))]
    assert orders(changes) == pytest.approx([3, 3], abs=0.2)


@pytest.mark.parametrize(("dtype", "bound"), [(torch.float64, 1e-12), (torch.float32, 1e-3)])
def test_frames_have_no_divergence_from_the_first_on(dtype: torch.dtype, bound: float) -> None:
    simulator = solver(grid=24, frames=4)
    batch = drawn(simulator, dtype=dtype)
    for states in simulator.frames(batch):
        velocity = simulator.box.split(states)
        assert (simulator.box.divergence(velocity) * 24).abs().max().item() < bound
        assert not velocity[0][:, [0, -1]].any()
        assert not velocity[1][:, :, [0, -1]].any()


def test_the_scalar_keeps_its_mean_and_its_bounds() -> None:
    simulator = solver(grid=24, frames=41)
    scalar = solution(simulator, drawn(simulator))[:, 2]
    assert (scalar.mean((1, 2)) - scalar[0].mean()).abs().max().item() < 1e-14
    assert scalar.max().item() <= scalar[0].max().item() + 1e-12
    assert scalar.min().item() >= scalar[0].min().item() - 1e-12
    assert (scalar[-1] - scalar[0]).abs().max().item() > 0.1


def test_without_a_force_energy_is_only_lost() -> None:
    simulator = solver(grid=24, frames=21)
    batch = drawn(simulator)
    free = Batch(states=batch.states, parameters=batch.parameters)
    energy = [
        sum(part.square().sum().item() for part in simulator.box.split(states))
        for states in simulator.frames(free)
    ]
    assert (np.diff(energy) < 0).all()


def test_a_seed_is_the_same_problem_at_any_resolution() -> None:
    coarse, fine = (solver(grid=grid).sample(np.random.RandomState(4)) for grid in (48, 144))
    assert coarse.static is not None
    assert fine.static is not None
    assert (coarse.static - fine.static[:, 1::3, 1::3]).abs().max().item() < 1e-12
    assert (coarse.state[2, :48, :48] - fine.state[2, 1:144:3, 1:144:3]).abs().max().item() < 1e-12
    change = coarse.state[0, :, :48] - fine.state[0, ::3, 1:144:3]
    assert change.norm().item() < 0.05 * coarse.state[0].norm().item()


def test_drawn_fields_have_the_published_spectrum() -> None:
    """Amplitudes fall as m⁻² (start) and m⁻⁶ (force, from m = 3 on); variance 1."""
    samples = [solver(grid=64).sample(np.random.RandomState(seed)) for seed in range(12)]
    size = np.hypot(*np.meshgrid(*(np.fft.fftfreq(64) * 64,) * 2, indexing="ij"))

    def steepness(fields: list[np.ndarray], low: int, high: int) -> float:
        power = sum(np.abs(np.fft.fft2(field)) ** 2 for field in fields)
        rings = [power[(size >= m - 0.5) & (size < m + 0.5)].mean() for m in (low, high)]
        return math.log(rings[0] / rings[1]) / 2 / math.log(high / low)

    scalars = [sample.state[2, :64, :64].numpy() for sample in samples]
    forces = [part.numpy() for sample in samples for part in sample.static]
    assert steepness(scalars, 3, 12) == pytest.approx(2, abs=0.25)
    assert steepness(forces, 3, 12) == pytest.approx(6, abs=0.4)
    assert max(np.abs(np.fft.fft2(force)[size < 2.1]).max() for force in forces) < 1e-9
    assert all(abs(field.mean()) < 1e-12 for field in scalars)
    assert np.mean([field.var() for field in scalars]) == pytest.approx(1, abs=1e-10)


def published(genuine: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """(t, c, x, y) frames and (2, x, y) force."""
    with h5py.File(genuine / "2D/NS_incom/ns_incom_inhom_2d_128-0.h5") as file:
        frames = np.concatenate([file["velocity"][0], file["particles"][0]], -1)
        force = file["force"][0]
    return torch.from_numpy(frames).movedim(-1, 1), torch.from_numpy(force).movedim(-1, 0)


def distances(genuine: Path, frames: int, acts_on: str = "tracer") -> torch.Tensor:
    """Relative L2 distance of velocity and scalar from each published frame after frame 1."""
    data, force = published(genuine)
    simulator = solver(grid=128, frames=frames, force_acts_on=acts_on)
    batch = Batch(
        states=simulator.start(data[1:2]),
        parameters={"NU": torch.full((1, 1, 1), 0.01)},
        static=force[None],
    )
    theirs = data[1 : frames + 1]
    squares = (
        (solution(simulator, batch) - theirs).square().sum((2, 3)),
        theirs.square().sum((2, 3)),
    )
    parts = [torch.stack([part[:, :2].sum(1), part[:, 2]], 1) for part in squares]
    return (parts[0] / parts[1]).sqrt()


def test_follows_the_published_program(genuine: Path) -> None:
    """Its semi-Lagrangian steps are of first order, ours are not: so far they are apart.

    A scalar that is carried with first order in our flow is six times nearer to theirs:
    `bench.validation` has the figures.
    """
    velocity, scalar = distances(genuine, 11)[1:].unbind(1)
    assert velocity.max().item() < 0.046
    assert scalar.max().item() < 0.055


def test_the_published_force_acts_through_the_scalar(genuine: Path) -> None:
    """Were it to act on the fluid itself, they would be twice as far apart after ten frames."""
    ours, other = (distances(genuine, 11, acts_on)[-1, 0] for acts_on in ("tracer", "fluid"))
    assert other.item() > 2 * ours.item()


@pytest.mark.slow
def test_follows_the_published_program_to_its_end(genuine: Path) -> None:
    velocity, scalar = distances(genuine, 99)[1:].unbind(1)
    assert velocity.max().item() < 0.07
    assert scalar.max().item() < 0.28
