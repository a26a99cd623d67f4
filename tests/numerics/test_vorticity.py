"""The periodic flow against exact solutions, NumPy, and the budgets of energy and enstrophy."""

import dataclasses
import math
from itertools import pairwise

import numpy as np
import pytest
import torch

from matey_core.simulators import PRECISIONS, Batch, Precision
from matey_core.simulators._integrate import collate
from matey_core.simulators.vorticity import Vorticity, VorticityConfig
from matey_core.workflows.simulate.layouts.header import centers


def solver(*, grid: int = 32, **settings: float) -> Vorticity:
    return VorticityConfig(grid=grid, **settings).build()


def problems(simulator: Vorticity, *seeds: int, precision: Precision = "float64") -> Batch:
    samples = [simulator.sample(np.random.RandomState(seed)) for seed in seeds or (0,)]
    return collate(samples, PRECISIONS[precision], "cpu")


def starting(batch: Batch, vorticity: np.ndarray) -> Batch:
    """Put values on the grid in the place of the drawn start."""
    shape = batch.states.shape
    largest = shape[2] - 1
    modes = np.fft.rfft2(vorticity, norm="forward")[:, : largest + 1]
    rows = np.concatenate([modes[: largest + 1], modes[-largest:]])
    states = torch.view_as_real(torch.from_numpy(rows.T.copy())).expand(shape).to(batch.states)
    return dataclasses.replace(batch, states=states.contiguous())


def grid_of(points: int) -> tuple[np.ndarray, np.ndarray]:
    place = 2 * np.pi * np.arange(points) / points
    return place[:, None], place[None, :]


def budget(simulator: Vorticity, states: torch.Tensor, batch: Batch) -> dict[str, float]:
    """Energy, enstrophy and their rates by force and viscosity, as means over the square."""
    u, v, vorticity = simulator.observe(states, batch)[0].numpy()
    points = len(u)
    x, y = grid_of(points)
    force = batch.parameters["forcing"].item() * (np.sin(x + y) + np.cos(x + y))
    nu = batch.parameters["nu"].item()
    modes = np.fft.fft2(vorticity, norm="forward")
    whole = 2 * np.pi * np.fft.fftfreq(points, 1 / points)
    square = whole[:, None] ** 2 + whole**2
    stream = np.fft.ifft2(modes / np.where(square, square, np.inf), norm="forward").real
    palinstrophy = (square * np.abs(modes) ** 2).sum()
    return {
        "energy": (u * u + v * v).mean() / 2,
        "energy_rate": (stream * force).mean() - nu * (vorticity**2).mean(),
        "enstrophy": (vorticity**2).mean() / 2,
        "enstrophy_rate": (vorticity * force).mean() - nu * palinstrophy,
    }


@pytest.mark.parametrize("waves", [1, 3])
def test_vortices_of_taylor_and_green_decay_as_they_should(waves: int) -> None:
    """ω = cos kx cos ky keeps its shape, and decays at 2 ν k²."""
    simulator = solver(nu=0.01, forcing=0.0, frames=3, interval=0.1)
    batch = problems(simulator)
    x, y = grid_of(32)
    start = np.cos(waves * x) * np.cos(waves * y)
    *_, last = simulator.frames(starting(batch, start))
    decay = math.exp(-2 * 0.01 * (2 * math.pi * waves) ** 2 * 0.2)
    expected = decay * np.stack(
        [
            -np.cos(waves * x) * np.sin(waves * y) / (4 * np.pi * waves),
            np.sin(waves * x) * np.cos(waves * y) / (4 * np.pi * waves),
            start,
        ]
    )
    np.testing.assert_allclose(simulator.observe(last, batch)[0].numpy(), expected, atol=2e-15)


def test_the_force_alone_drives_a_shear_flow() -> None:
    """From rest ω = f (1 − e^(−λt))/λ with λ = 8π²ν: a shear that does not bend itself."""
    simulator = solver(nu=0.005, forcing=0.3, frames=11, interval=0.1)
    batch = problems(simulator)
    *_, last = simulator.frames(starting(batch, np.zeros((32, 32))))
    x, y = grid_of(32)
    rate = 8 * math.pi**2 * 0.005
    expected = 0.3 * (np.sin(x + y) + np.cos(x + y)) * (1 - math.exp(-rate)) / rate
    np.testing.assert_allclose(simulator.observe(last, batch)[0, 2].numpy(), expected, atol=1e-7)


def test_halving_the_step_divides_the_error_by_sixteen() -> None:
    simulator = solver(nu=0.002)
    batch = problems(simulator)

    def solution(steps: int) -> torch.Tensor:
        states = 10 * batch.states
        for _ in range(steps):
            states = simulator.step(states, 0.4 / steps, batch)
        return states

    exact = solution(256)
    errors = [(solution(steps) - exact).norm().item() for steps in (16, 32, 64)]
    orders = [math.log2(a / b) for a, b in pairwise(errors)]
    assert orders == pytest.approx([4, 4], abs=0.15)


def test_errors_fall_faster_than_any_power_of_the_spacing() -> None:
    """A start of few waves: each 12 cells more divide the error by more."""

    def solution(points: int) -> np.ndarray:
        simulator = solver(grid=points, nu=0.004)
        batch = problems(simulator)
        x, y = grid_of(points)
        states = starting(batch, 3 * np.sin(x) * np.cos(y) + 2 * np.cos(2 * x)).states
        for _ in range(64):
            states = simulator.step(states, 0.5 / 64, batch)
        step = points // 12
        return simulator.observe(states, batch)[0, :, ::step, ::step].numpy()

    exact = solution(96)
    errors = [np.abs(solution(points) - exact).max() for points in (12, 24, 36, 48)]
    assert errors[0] > 1e-2
    assert all(b < a / 20 for a, b in pairwise(errors))
    assert errors[-1] < 1e-6


def test_advection_equals_products_of_gradients() -> None:
    """−u ∂x ω − v ∂y ω by NumPy on a grid fine enough to be free of aliasing."""
    simulator = solver(grid=24)
    batch = problems(simulator)
    fine, largest = 64, 7
    modes = torch.view_as_complex(batch.states)[0, 0].T.numpy()
    full = np.zeros((fine, fine // 2 + 1), complex)
    full[: largest + 1, : largest + 1] = modes[: largest + 1]
    full[-largest:, : largest + 1] = modes[largest + 1 :]
    kx = 2 * np.pi * np.fft.fftfreq(fine, 1 / fine)[:, None]
    ky = 2 * np.pi * np.arange(fine // 2 + 1)
    square = kx**2 + ky**2
    square[0, 0] = np.inf
    u, v, slope_x, slope_y = (
        np.fft.irfft2(factor * full, norm="forward")
        for factor in (1j * ky / square, -1j * kx / square, 1j * kx, 1j * ky)
    )
    product = np.fft.rfft2(-u * slope_x - v * slope_y, norm="forward")[:, : largest + 1]
    expected = np.concatenate([product[: largest + 1], product[-largest:]])
    found = simulator.rate(batch.states[:, 0].flatten(-2), torch.zeros(1, 1, 1))
    found = torch.view_as_complex(found.unflatten(-1, (-1, 2)))[0].T.numpy()
    np.testing.assert_allclose(found, expected, atol=1e-14 * np.abs(expected).max())


def test_advection_makes_neither_energy_nor_enstrophy() -> None:
    """Its product with the stream function and with ω has no mean, whatever the grid."""
    simulator = solver(grid=48)
    batch = problems(simulator)
    largest = simulator.transform.largest
    rate = simulator.rate(batch.states[:, 0].flatten(-2), torch.zeros(1, 1, 1))
    rate = torch.view_as_complex(rate.unflatten(-1, (-1, 2)))[0]
    vorticity = torch.view_as_complex(batch.states)[0, 0]
    whole = torch.arange(largest + 1.0)
    square = torch.cat([whole, whole[1:].flip(0)]) ** 2 + whole[:, None] ** 2
    square[0, 0] = 1
    twice = torch.where(whole == 0, 1, 2)[:, None]
    for factor in (vorticity, vorticity / square):
        product = twice * (rate * factor.conj()).real
        assert abs(product.sum().item()) < 1e-14 * product.abs().sum().item()


def test_energy_and_enstrophy_follow_force_and_viscosity() -> None:
    """Their change over 2 units of time is the integral of their rates, by Simpson's rule."""
    simulator = solver(grid=32, nu=1e-3, frames=81, interval=0.025)
    batch = problems(simulator)
    budgets = [budget(simulator, states, batch) for states in simulator.frames(batch)]
    weights = np.array([1, *[4, 2] * 39, 4, 1]) * 0.025 / 3
    for quantity in ("energy", "enstrophy"):
        rates = np.array([each[f"{quantity}_rate"] for each in budgets])
        change = budgets[-1][quantity] - budgets[0][quantity]
        assert weights @ rates == pytest.approx(change, abs=1e-7 * budgets[0][quantity])


def test_single_precision_follows_double() -> None:
    simulator = solver(nu=1e-3, frames=6)

    def last(precision: Precision) -> torch.Tensor:
        batch = problems(simulator, 1, precision=precision)
        *_, states = simulator.frames(batch)
        return simulator.observe(states, batch).double()

    single, double = (last(precision) for precision in PRECISIONS)
    assert ((single - double).norm() / double.norm()).item() < 1e-5


@pytest.mark.parametrize(("coarse", "fine"), [(16, 48), (33, 128), (96, 200)])
def test_a_seed_is_one_problem_on_every_grid(coarse: int, fine: int) -> None:
    first, second = (solver(grid=grid).sample(np.random.RandomState(4)) for grid in (coarse, fine))
    largest = first.state.shape[1] - 1
    columns = [*range(largest + 1), *range(-largest, 0)]
    assert first.parameters == second.parameters
    shared = torch.view_as_complex(second.state)[0, : largest + 1, columns]
    assert torch.equal(torch.view_as_complex(first.state)[0], shared)


def test_starts_have_the_published_spectrum() -> None:
    """Variance of ω: twice the sum over modes of τ³ ((2πk)² + τ²)^(−5/2), τ = 7."""
    simulator = solver(grid=64)
    batch = problems(simulator, *range(200))
    vorticity = simulator.observe(batch.states, batch)[:, 2]
    whole = 2 * np.pi * np.arange(-21, 22)
    modes = 7**3 * (whole[:, None] ** 2 + whole**2 + 49) ** -2.5
    expected = 2 * (modes.sum() - modes[21, 21])
    assert vorticity.var(correction=0).item() == pytest.approx(expected, rel=0.05)
    assert vorticity.mean((1, 2)).abs().max().item() < 1e-15


def test_flow_has_no_divergence() -> None:
    simulator = solver(grid=33, frames=3)
    batch = problems(simulator)
    *_, states = simulator.frames(batch)
    last = simulator.observe(states, batch)
    whole = 2 * np.pi * np.fft.fftfreq(33, 1 / 33)
    u, v, vorticity = np.fft.fft2(last[0].numpy(), norm="forward")
    divergence = whole[:, None] * u + whole * v
    curl = 1j * (whole[:, None] * v - whole * u)
    assert np.abs(divergence).max() < 1e-15
    np.testing.assert_allclose(curl, vorticity, atol=1e-15)


def test_coordinates_are_where_the_values_are() -> None:
    """Sin 2π(x + y) + cos 2π(x + y), times a/ν|2πk|², is the flow that the force keeps up."""
    simulator = VorticityConfig(grid=16, nu=0.1, forcing=0.1, interval=20.0, frames=2).build()
    sample = simulator.sample(np.random.RandomState(0))
    batch = collate([sample], torch.float64, "cpu")
    *_, last = simulator.frames(batch)
    x, y = centers(simulator).values()
    angle = 2 * math.pi * (x[:, None] + y)
    steady = 0.1 / (0.1 * 8 * math.pi**2) * (np.sin(angle) + np.cos(angle))
    # An integrating factor moves the balance a little; half a cell would move it by a fifth.
    np.testing.assert_allclose(simulator.observe(last, batch)[0, 2], steady, rtol=5e-4, atol=1e-9)
