"""Manufactured solutions against automatic differentiation, transforms and finite differences."""

import math
from itertools import pairwise
from typing import get_args

import numpy as np
import pytest
import torch

from bench.validation.manufactured import finite_differences
from matey_core.simulators._manufactured import cell_centers, random_function
from matey_core.simulators.manufactured import Manufactured, ManufacturedConfig, Operator

OPERATORS = get_args(Operator)


def solver(operator: Operator, dimension: int = 2, **settings: object) -> Manufactured:
    return ManufacturedConfig.model_validate(
        {"operator": operator, "dimension": dimension, "varying": True} | settings
    ).build()


def points(axes: int, count: int = 50) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    return [
        torch.rand(count, generator=generator, dtype=torch.float64).requires_grad_()
        for _ in range(axes)
    ]


def slopes(values: torch.Tensor, at: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    return torch.autograd.grad(values.sum(), at, create_graph=True)


@pytest.mark.parametrize("boundary", ["periodic", "dirichlet", "no_flux"])
@pytest.mark.parametrize("axes", [1, 2, 3])
def test_derivatives_equal_automatic_ones(axes: int, boundary: str) -> None:
    random, at = np.random.RandomState(axes), points(axes)
    function = random_function(random, lengths=(1.0, 2.0, 0.5)[:axes], boundary=boundary, mean=0.3)
    gradient = slopes(function.value(at), at)
    for ours, theirs in zip(function.gradient(at), gradient, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-11, atol=1e-11)
    laplacian = sum(slopes(slope, at)[axis] for axis, slope in enumerate(gradient))
    torch.testing.assert_close(function.laplacian(at), laplacian, rtol=1e-11, atol=1e-9)
    assert (function.value(at) - 0.3).abs().max().item() < 1


def test_the_rate_is_the_derivative_in_time() -> None:
    function = random_function(np.random.RandomState(0), lengths=(1.0, 1.0), frequency=6.0)
    at, step = points(2), 1e-5
    later, earlier = (function.value(at, 0.7 + sign * step) for sign in (1, -1))
    rate = function.rate(at, 0.7)
    torch.testing.assert_close((later - earlier) / (2 * step), rate, rtol=0, atol=1e-8)
    assert rate.abs().max().item() > 0.1
    steady = random_function(np.random.RandomState(0), lengths=(1.0, 1.0))
    assert steady.rate(at).abs().max().item() == 0
    assert torch.equal(steady.value(at, 0.0), steady.value(at, 5.0))


@pytest.mark.parametrize("boundary", ["periodic", "dirichlet", "no_flux"])
def test_boundary_conditions_hold(boundary: str) -> None:
    function = random_function(np.random.RandomState(3), lengths=(2.0, 1.0), boundary=boundary)
    along = torch.linspace(0, 1, 7, dtype=torch.float64)
    low, high = ([torch.full_like(along, x), along] for x in (0.0, 2.0))
    if boundary == "periodic":
        torch.testing.assert_close(function.value(low), function.value(high))
        torch.testing.assert_close(function.gradient(low)[0], function.gradient(high)[0])
    elif boundary == "dirichlet":
        assert max(function.value(wall).abs().max().item() for wall in (low, high)) < 1e-14
    else:
        assert max(function.gradient(wall)[0].abs().max().item() for wall in (low, high)) < 1e-13


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_the_source_equals_the_operator_by_automatic_differentiation(
    operator: Operator, dimension: int
) -> None:
    problem = solver(operator, dimension).problem(np.random.RandomState(4))
    at = points(dimension)
    u = problem.solution.value(at)
    gradient = slopes(u, at)
    flows = [problem.diffusivity.value(at) * slope for slope in gradient]
    expected = -sum(slopes(flow, at)[axis] for axis, flow in enumerate(flows))
    for velocity, slope in zip(problem.velocity, gradient, strict=False):
        expected = expected + velocity.value(at) * slope
    if problem.reaction:
        expected = expected + problem.reaction.value(at) * u
    assert len(problem.velocity) == (dimension if operator == "advection_diffusion" else 0)
    scale = expected.abs().max().item()
    torch.testing.assert_close(problem.source(at), expected, rtol=0, atol=1e-13 * scale)


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("is_varying", [False, True])
def test_the_stored_fields_satisfy_the_equation_by_transforms(
    operator: Operator, is_varying: bool
) -> None:
    """Products of waves of up to 4 periods are exact on 32 points."""
    simulator = solver(operator, grid=32, varying=is_varying)
    sample = simulator.sample(np.random.RandomState(5))
    source, u, *stored = sample.state.numpy()
    waves = 2j * np.pi * np.fft.fftfreq(32, 1 / 32)
    axes = (waves[:, None], waves[None])

    def slope(values: np.ndarray, axis: int) -> np.ndarray:
        return np.fft.ifft2(np.fft.fft2(values) * axes[axis]).real

    p = sample.parameters
    a, *others = stored if is_varying else [v for k, v in p.items()]
    expected = -sum(slope(a * slope(u, axis), axis) for axis in (0, 1))
    if operator == "advection_diffusion":
        expected = expected + others[0] * slope(u, 0) + others[1] * slope(u, 1)
    elif operator != "diffusion":
        expected = expected + others[0] * u * (1 if operator == "reaction_diffusion" else -1)
    assert np.abs(source - expected).max() < 1e-12 * np.abs(source).max()


@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("boundary", ["periodic", "dirichlet", "no_flux"])
def test_finite_differences_converge_to_the_solution(operator: Operator, boundary: str) -> None:
    """Second order, with SciPy's direct solver: an independent discretization."""
    errors = [
        finite_differences(
            solver(operator, grid=grid, boundary=boundary, wavenumber=2), np.random.RandomState(6)
        )
        for grid in (16, 32, 64)
    ]
    orders = [math.log2(a / b) for a, b in pairwise(errors)]
    assert orders[-1] == pytest.approx(2, abs=0.15), orders


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_a_seed_is_one_problem_at_any_resolution(dimension: int) -> None:
    coarse, fine = (
        solver("advection_diffusion", dimension, grid=grid).sample(np.random.RandomState(0))
        for grid in (8, 24)
    )
    middle = (..., *(slice(1, None, 3),) * dimension)
    torch.testing.assert_close(coarse.state, fine.state[middle], rtol=1e-12, atol=1e-11)
    assert coarse.parameters == fine.parameters


def test_lists_of_points_and_open_grids_give_the_same() -> None:
    function = random_function(np.random.RandomState(1), lengths=(1.0, 1.0, 1.0))
    grid = cell_centers((3, 4, 5), (1.0, 1.0, 1.0))
    listed = [coordinate.flatten() for coordinate in torch.broadcast_tensors(*grid)]
    assert torch.equal(function.laplacian(grid).flatten(), function.laplacian(listed))
