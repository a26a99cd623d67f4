"""The compressible-flow solver against exact solutions and symmetries."""

import itertools
import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from bench.plain import compressible_flow as plain
from bench.validation._gas import SOD, riemann
from matey_core.simulators import Batch, Sample
from matey_core.simulators._integrate import collate
from matey_core.simulators.compressible_flow import (
    GAMMA,
    CompressibleFlow,
    CompressibleFlowConfig,
    conserved,
)

DTYPE = torch.float64


def solver(**settings: object) -> CompressibleFlow:
    return CompressibleFlowConfig.model_validate({"eta": 0.0, "zeta": 0.0, **settings}).build()


def problem(simulator: CompressibleFlow, *starts: torch.Tensor) -> Batch:
    """A batch of density, pressure and velocity."""
    constants = {name: float(getattr(simulator.config, name)) for name in ("eta", "zeta")}
    samples = [Sample(state=conserved(start), parameters=constants) for start in starts]
    return collate(samples, DTYPE, "cpu")


def last(simulator: CompressibleFlow, *starts: torch.Tensor) -> torch.Tensor:
    """Density, pressure and velocity in the last frame."""
    batch = problem(simulator, *starts)
    *_, states = simulator.frames(batch)
    return simulator.observe(states, batch)


def centers(grid: int) -> torch.Tensor:
    return (torch.arange(grid, dtype=DTYPE) + 0.5) / grid


def means(grid: int, wavenumber: int = 1, shift: float = 0.0) -> torch.Tensor:
    """Cell means of sin(2πk(x − shift))."""
    angle = math.pi * wavenumber / grid
    return torch.sin(2 * math.pi * wavenumber * (centers(grid) - shift)) * math.sin(angle) / angle


def orders(errors: list[float]) -> list[float]:
    return [math.log2(a / b) for a, b in pairwise(errors)]


def entropy_wave(grid: int, dimension: int, shift: float = 0.0) -> torch.Tensor:
    """A wave of density along the diagonal, carried by a uniform velocity."""
    x = torch.meshgrid(*[centers(grid)] * dimension, indexing="ij")
    factor = (math.sin(math.pi / grid) / (math.pi / grid)) ** dimension
    wave = torch.sin(2 * math.pi * (torch.stack(x).sum(0) - shift))
    density = 1 + 0.3 * factor * wave
    ones = torch.ones_like(density)
    return torch.stack([density, ones, *[ones] * dimension])


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_halving_the_cells_divides_the_error_of_a_carried_wave_by_four(dimension: int) -> None:
    """Mean error; on 16³ cells, the coarsest, the limiter still costs a fifth of an order."""
    grids = {1: (64, 128, 256), 2: (32, 64), 3: (16, 32)}[dimension]
    length = 2 if dimension == 1 else 1
    errors = []
    for grid in grids:
        simulator = solver(dimension=dimension, grid=grid, frames=2, interval=0.1)
        start = entropy_wave(grid, dimension)
        exact = entropy_wave(grid, dimension, 0.1 * dimension / length)
        errors.append((last(simulator, start)[0, 0] - exact[0]).abs().mean().item())
    assert min(orders(errors)) > (1.75 if dimension == 3 else 1.9)
    assert errors[-1] < {1: 1e-5, 2: 6e-4, 3: 3e-3}[dimension]


def test_halving_cells_and_steps_divides_the_error_of_sound_by_four() -> None:
    """A simple wave u = 2(c − c₀)/(Γ − 1): every value runs with its own u + c until it breaks."""

    def simple_wave(positions: torch.Tensor, time: float) -> torch.Tensor:
        velocity = torch.zeros_like(positions)
        for _ in range(200):
            sound = 1 + (GAMMA - 1) / 2 * velocity
            velocity = 0.1 * torch.sin(math.pi * (positions - (velocity + sound) * time))
        sound = 1 + (GAMMA - 1) / 2 * velocity
        density = sound ** (2 / (GAMMA - 1))
        return torch.stack([density, density**GAMMA / GAMMA, velocity])

    def cells(grid: int, time: float) -> torch.Tensor:
        """Cell means by three-point Gauss quadrature of what is conserved."""
        nodes, weights = np.polynomial.legendre.leggauss(3)
        center = 2 * centers(grid) - 1
        parts = [
            weight / 2 * conserved(simple_wave(center + node / grid, time))
            for node, weight in zip(nodes, weights, strict=True)
        ]
        return torch.stack(parts).sum(0)

    errors = []
    for grid in (32, 64, 128):
        simulator = solver(dimension=1, grid=grid, frames=2, interval=0.5)
        batch = collate(
            [Sample(state=cells(grid, 0.0), parameters={"eta": 0.0, "zeta": 0.0})], DTYPE, "cpu"
        )
        *_, state = simulator.frames(batch)
        errors.append((state[0] - cells(grid, 0.5)).abs().mean().item())
    assert min(orders(errors)) > 1.85
    assert errors[-1] < 1.2e-4


@pytest.mark.parametrize("limiter", ["monotonized_central", "minmod"])
def test_halving_the_cells_halves_the_error_of_sods_shock_tube(limiter: str) -> None:
    """The contact spreads over n^(1/3) cells, which makes the order a little less than 1."""
    errors = []
    for grid in (50, 100, 200):
        simulator = solver(
            dimension=1, grid=grid, frames=2, interval=0.4, start="shock_tube", limiter=limiter
        )
        x = 2 * centers(grid) - 1
        low, high = (torch.tensor(gas, dtype=DTYPE)[:, None] for gas in SOD)
        start = torch.where(x < 0, low, high)
        exact = riemann(*SOD, x.numpy() / 0.4)
        errors.append(np.abs(last(simulator, start)[0].numpy() - exact).mean())
    assert min(orders(errors)) > 0.85
    assert errors[-1] < {"monotonized_central": 4e-3, "minmod": 6e-3}[limiter]


def test_the_exact_riemann_solution_is_the_one_in_the_literature() -> None:
    """Pressure and velocity between the waves for Γ = 5/3 satisfy the jump conditions."""
    density, pressure, velocity = riemann(*SOD, np.array([-2.0, 0.3, 0.9, 1.2, 2.5]))
    assert pressure[1] == pytest.approx(pressure[2])
    assert velocity[1] == pytest.approx(velocity[2])
    assert (density[0], density[-1]) == (1.0, 0.125)
    # Across the shock mass and momentum keep: ρ(u − s) and p + ρ(u − s)².
    speed = density[2] * velocity[2] / (density[2] - density[-1])
    flux = density[2] * (velocity[2] - speed)
    assert flux == pytest.approx(-density[-1] * speed)
    assert pressure[2] + flux * (velocity[2] - speed) == pytest.approx(0.1 + 0.125 * speed**2)
    # The fan keeps the entropy.
    assert pressure[1] / density[1] ** GAMMA == pytest.approx(1.0)


@pytest.mark.parametrize("axis", [0, 1])
def test_viscosity_damps_a_shear_layer_as_it_must(axis: int) -> None:
    """A wave sin 2πx of shear in a uniform gas decays with e^(−4π²ηt), to second order."""
    eta, errors = 0.05, []
    for grid in (8, 16, 32):
        simulator = solver(grid=grid, frames=2, interval=0.1, eta=eta)
        wave = means(grid) / 1000
        velocity = (wave[:, None] if axis == 0 else wave[None]).expand(grid, grid)
        fields = torch.ones(4, grid, grid, dtype=DTYPE)
        fields[2:] = 0
        fields[3 - axis] = velocity
        decay = math.exp(-4 * math.pi**2 * eta * 0.1)
        result = last(simulator, fields)[0, 3 - axis]
        errors.append((result - decay * velocity).norm().item() / velocity.norm().item())
    assert min(orders(errors)) > 1.7
    assert errors[-1] < 3e-3


def test_bulk_and_shear_viscosity_damp_sound_by_their_sum() -> None:
    """A standing sound wave of wavenumber k decays with e^(−(4/3 η + ζ) k² t / 2)."""
    simulator = solver(dimension=1, grid=64, frames=2, eta=0.01, zeta=0.02, interval=2.0)
    fields = torch.ones(3, 64, dtype=DTYPE)
    fields[1] /= GAMMA
    fields[2] = 1e-3 * torch.sin(math.pi * (2 * centers(64) - 1))
    rate = (4 / 3 * 0.01 + 0.02) * math.pi**2 / 2
    frequency = math.sqrt(math.pi**2 - rate**2)
    # A damped oscillator that starts with all its energy in motion.
    phase = 2.0 * frequency
    expected = math.exp(-rate * 2) * (math.cos(phase) - rate / frequency * math.sin(phase))
    result = last(simulator, fields)[0, 2]
    amplitude = (result * fields[2]).sum() / (fields[2] ** 2).sum()
    assert amplitude.item() == pytest.approx(expected, abs=2e-3)


def test_taylor_green_vortices_decay_at_low_mach_number() -> None:
    """At Mach 0.05 the incompressible solution holds up to M²; kinetic energy e^(−16π²ηt)."""
    grid, eta, mach = 32, 0.01, 0.05
    simulator = solver(grid=grid, frames=2, interval=0.5, eta=eta, zeta=0.0)
    x, y = torch.meshgrid(centers(grid), centers(grid), indexing="ij")
    x, y = 2 * math.pi * x, 2 * math.pi * y
    u, v = mach * torch.sin(x) * torch.cos(y), -mach * torch.cos(x) * torch.sin(y)
    pressure = 1 / GAMMA + mach**2 / 4 * (torch.cos(2 * x) + torch.cos(2 * y))
    start = torch.stack([torch.ones_like(u), pressure, u, v])
    result = last(simulator, start)[0, 2:]
    decay = math.exp(-8 * math.pi**2 * eta * 0.5)
    assert ((result - decay * start[2:]).norm() / (decay * start[2:]).norm()).item() < 0.03


@pytest.mark.parametrize("dimension", [1, 2, 3])
@pytest.mark.parametrize("eta", [0.0, 0.02])
def test_equals_the_same_scheme_written_plainly(dimension: int, eta: float) -> None:
    start = "random" if dimension == 1 else "turbulence"
    simulator = solver(
        dimension=dimension,
        grid=10,
        frames=3,
        interval=0.03,
        start=start,
        mach=1.0,
        eta=eta,
        zeta=eta / 2,
    )
    sample = simulator.sample(np.random.RandomState(3))
    expected = plain.trajectory(simulator, sample)
    batch = collate([sample], DTYPE, "cpu")
    ours = [simulator.observe(states, batch)[0].numpy() for states in simulator.frames(batch)]
    np.testing.assert_allclose(np.stack(ours), expected, atol=1e-12)


@pytest.mark.parametrize("eta", [0.0, 0.02])
def test_turning_the_start_turns_the_solution(eta: float) -> None:
    """Exchanged axes, in all orders, and mirrored ones."""
    simulator = solver(
        dimension=3, grid=8, frames=2, interval=0.02, mach=1.0, eta=eta, start="turbulence"
    )
    sample = simulator.sample(np.random.RandomState(0))
    batch = collate([sample], DTYPE, "cpu")
    start = simulator.observe(batch.states, batch)[0]

    def turned(fields: torch.Tensor, order: tuple[int, ...], flips: list[int]) -> torch.Tensor:
        signs = torch.tensor([-1.0 if axis in flips else 1.0 for axis in range(3)], dtype=DTYPE)
        velocity = (fields[2:] * signs.view(3, 1, 1, 1))[list(order)]
        fields = torch.cat([fields[:2], velocity]).flip([1 + axis for axis in flips])
        # Velocities were exchanged already.
        return fields.permute(0, *(1 + axis for axis in order))

    cases = [(order, []) for order in itertools.permutations(range(3))] + [((0, 1, 2), [1, 2])]
    results = last(simulator, *(turned(start, *case) for case in cases))
    for case, result in zip(cases, results, strict=True):
        torch.testing.assert_close(result, turned(results[0], *case), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_plane_problem_is_the_same_in_any_dimension(axis: int) -> None:
    """A shock tube across one axis of a cube; what is uniform stays so."""
    line = solver(dimension=1, grid=12, frames=2, interval=0.2, start="shock_tube")
    cube = solver(dimension=3, grid=12, frames=2, interval=0.1, start="shock_tube")
    low, high = (torch.tensor(gas, dtype=DTYPE)[:, None] for gas in SOD)
    start = torch.where(centers(12) < 0.5, low, high)
    shape = [12 if other == axis else 1 for other in range(3)]
    fields = torch.zeros(5, 12, 12, 12, dtype=DTYPE)
    fields[[0, 1, 2 + axis]] = start.view(3, *shape)
    # Both take the same number of the same steps, in units of cells.
    dt = 0.01
    one, three = problem(line, start), problem(cube, fields)
    states, others = one.states, three.states
    for _ in range(10):
        states, others = line.step(states, 2 * dt, one), cube.step(others, dt, three)
    expected = torch.zeros_like(fields)
    expected[[0, 1, 2 + axis]] = line.observe(states, one)[0].view(3, *shape)
    torch.testing.assert_close(cube.observe(others, three)[0], expected, rtol=1e-12, atol=1e-14)


def test_a_moving_observer_sees_the_same_up_to_the_error_of_the_scheme() -> None:
    """Eddies carried once around the box are the eddies at rest, as cells become small.

    Order 5/3 in L2, as of every limiter that flattens crests.
    """
    errors = []
    for grid in (24, 48):
        simulator = solver(grid=grid, frames=2, interval=0.5)
        x, y = torch.meshgrid(centers(grid), centers(grid), indexing="ij")
        x, y = 2 * math.pi * x, 2 * math.pi * y
        density = 1 + 0.2 * torch.cos(x) * torch.cos(y)
        velocity = (0.2 * torch.sin(x) * torch.cos(y), -0.2 * torch.cos(x) * torch.sin(y))
        rest = torch.stack([density, torch.ones_like(density), *velocity])
        moving = rest.clone()
        moving[2] += 2.0
        still, carried = last(simulator, rest, moving)
        carried[2] -= 2.0
        errors.append(((carried - still).norm() / still.norm()).item())
    assert errors[-1] < 3e-3
    assert min(orders(errors)) > 1.6


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_mass_momentum_and_energy_stay(dimension: int) -> None:
    """To rounding: what leaves a cell enters its neighbor, viscous or not."""
    simulator = solver(dimension=dimension, grid=12, frames=3, mach=1.0, eta=0.02, zeta=0.01)
    batch = collate([simulator.sample(np.random.RandomState(1))], DTYPE, "cpu")
    *_, states = simulator.frames(batch)
    after = simulator.densities(states, batch)
    for name, values in simulator.densities(batch.states, batch).items():
        assert (after[name].sum() - values.sum()).abs().item() < 1e-13 * values.abs().sum().item()


def test_a_cold_fast_flow_stays_finite_and_keeps_its_energy() -> None:
    """Streams that part at Mach 20 leave almost nothing between them."""
    simulator = solver(dimension=1, grid=64, frames=3, interval=0.01)
    x = 2 * centers(64) - 1
    start = torch.stack([torch.ones(64, dtype=DTYPE), 0.6 + 0 * x, 20 * torch.sin(math.pi * x)])
    batch = problem(simulator, start)
    *_, states = simulator.frames(batch)
    result = simulator.observe(states, batch)[0]
    assert result.isfinite().all()
    assert result[:2].min().item() > 0
    assert states[0, 1].sum().item() == pytest.approx(batch.states[0, 1].sum().item(), rel=1e-13)
