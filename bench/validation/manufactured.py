"""Manufactured solutions: the page docs/simulators/manufactured.md."""

import functools
import math
import operator
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import get_args

import numpy as np
import torch
from scipy import sparse
from scipy.sparse.linalg import spsolve
from torch import Tensor

from bench.validation import Picture, Result
from bench.validation._static import columns
from matey_core.simulators._manufactured import SmoothFunction, cell_centers
from matey_core.simulators.manufactured import (
    Manufactured,
    ManufacturedConfig,
    Operator,
    Problem,
)

OPERATORS = get_args(Operator)
BOUNDARIES = ("periodic", "dirichlet", "no_flux")
GRIDS = {1: (64, 128, 256), 2: (16, 32, 64), 3: (8, 16)}
TITLES = ("source", "solution", "a", "$v_x$", "$v_y$")


def validate(shared: Path) -> Iterator[Result | Picture]:
    """Compare with automatic differentiation, a spectral derivative and finite differences."""
    del shared
    yield _picture()
    yield Result(
        against="the source against the operator applied by automatic differentiation, "
        "at 200 random points, 1D to 3D, all operators, coefficients varying",
        measured=f"{max(_automatic(o, d) for o in OPERATORS for d in (1, 2, 3)):.1e} of the "
        "largest source",
        limit="rounding",
    )
    yield Result(
        against="the stored fields at 64², operator applied by NumPy's complex transform, periodic",
        measured=f"{max(_spectral(o) for o in OPERATORS):.1e} of the largest source",
        limit="rounding",
    )
    for dimension, grids in GRIDS.items():
        orders, errors = [], []
        for name in OPERATORS:
            for boundary in BOUNDARIES:
                found = [_difference(name, boundary, dimension, grid) for grid in grids]
                errors.append(found[-1])
                orders += [math.log2(a / b) for a, b in pairwise(found)][-1:]
        yield Result(
            against=f"{dimension}D: second-order finite differences solved by SciPy from the "
            f"stored source, all operators and boundaries, {grids[0]} to {grids[-1]} cells",
            measured=f"order {min(orders):.2f} to {max(orders):.2f}; error at {grids[-1]} "
            f"cells {min(errors):.1e} to {max(errors):.1e}",
            limit="order 2",
        )


def finite_differences(simulator: Manufactured, random: np.random.RandomState) -> float:
    """Error of second-order finite differences in maximum, given the exact source.

    Where a constant may be added (diffusion, and advection–diffusion, without a wall where u
    is 0) the mean of the error is not counted.
    """
    grid, problem = simulator.spec.grid, simulator.problem(random)
    points = cell_centers(grid.shape, simulator.lengths)
    matrix = _matrix(problem, points, simulator)
    exact = problem.solution.value(points).numpy()
    source = problem.source(points).numpy().ravel()
    is_free = problem.reaction is None and grid.boundary[0] != "dirichlet"
    if is_free:
        # One more unknown, a uniform source, keeps the mean of the solution at 0.
        ones = np.ones((len(source), 1))
        matrix = sparse.block_array([[matrix, ones], [ones.T, None]])
        source = np.append(source, 0)
    found = spsolve(matrix.tocsc(), source)[: exact.size].reshape(exact.shape)
    error = found - exact
    if is_free:
        error -= error.mean()
    return float(np.abs(error).max())


def _matrix(problem: Problem, points: list[Tensor], simulator: Manufactured) -> sparse.csr_array:
    grid = simulator.spec.grid
    size = math.prod(grid.shape)
    matrix = sparse.csr_array((size, size))
    for axis, (count, step) in enumerate(zip(grid.shape, grid.spacing, strict=True)):
        before, after = _neighbours(count, grid.boundary[axis])
        identities = [sparse.eye_array(n) for n in grid.shape]
        # Towards smaller and larger coordinates, as differences from the cell itself.
        sides = []
        for line in (before, after):
            parts = [*identities]
            parts[axis] = line
            sides.append(functools.reduce(sparse.kron, parts))
        faces = []
        for shift in (-step / 2, step / 2):
            moved = [*points]
            moved[axis] = points[axis] + shift
            faces.append(_flat(problem.diffusivity, moved))
        for side, face in zip(sides, faces, strict=True):
            matrix = matrix - sparse.diags_array(face / step**2) @ side
        if problem.velocity:
            velocity = _flat(problem.velocity[axis], points)
            slope = (sides[1] - sides[0]) / (2 * step)
            matrix = matrix + sparse.diags_array(velocity) @ slope
    if problem.reaction:
        matrix = matrix + sparse.diags_array(_flat(problem.reaction, points))
    return matrix


def _neighbours(count: int, boundary: str) -> tuple[sparse.lil_array, sparse.lil_array]:
    """Value of a neighbour minus the cell's own, to the left and to the right."""
    before = sparse.diags_array([1.0, -1.0], offsets=[-1, 0], shape=(count, count)).tolil()
    after = sparse.diags_array([1.0, -1.0], offsets=[1, 0], shape=(count, count)).tolil()
    if boundary == "periodic":
        before[0, -1] = after[-1, 0] = 1.0
    else:
        # The cell behind a wall has the same value, or the opposite one.
        before[0, 0] = after[-1, -1] = 0.0 if boundary == "no_flux" else -2.0
    return before, after


def _flat(function: SmoothFunction, points: list[Tensor]) -> np.ndarray:
    return function.value(points).numpy().ravel()


def _build(name: str, dimension: int, **settings: object) -> Manufactured:
    return ManufacturedConfig.model_validate(
        {"operator": name, "dimension": dimension, "varying": True, **settings}
    ).build()


def _difference(name: str, boundary: str, dimension: int, grid: int) -> float:
    simulator = _build(name, dimension, boundary=boundary, wavenumber=2, grid=grid)
    return finite_differences(simulator, np.random.RandomState(1))


def _automatic(name: str, dimension: int) -> float:
    problem = _build(name, dimension).problem(np.random.RandomState(2))
    random = np.random.RandomState(3)
    at = [torch.from_numpy(random.uniform(size=200)).requires_grad_() for _ in range(dimension)]

    def slopes(values: Tensor) -> tuple[Tensor, ...]:
        return torch.autograd.grad(values.sum(), at, create_graph=True)

    u = problem.solution.value(at)
    gradient = slopes(u)
    flows = [problem.diffusivity.value(at) * slope for slope in gradient]
    left = -functools.reduce(operator.add, (slopes(f)[axis] for axis, f in enumerate(flows)))
    for velocity, slope in zip(problem.velocity, gradient, strict=False):
        left = left + velocity.value(at) * slope
    if problem.reaction:
        left = left + problem.reaction.value(at) * u
    right = problem.source(at)
    return ((left - right).abs().max() / right.abs().max()).item()


def _spectral(name: str, grid: int = 64) -> float:
    simulator = _build(name, 2, grid=grid)
    source, u, a, *others = simulator.sample(np.random.RandomState(4)).state.numpy()
    waves = 2j * np.pi * np.fft.fftfreq(grid, 1 / grid)

    def slope(values: np.ndarray, axis: int) -> np.ndarray:
        line = waves[:, None] if axis == 0 else waves[None]
        return np.fft.ifft2(np.fft.fft2(values) * line).real

    left = -sum(slope(a * slope(u, axis), axis) for axis in (0, 1))
    if name == "advection_diffusion":
        left = left + others[0] * slope(u, 0) + others[1] * slope(u, 1)
    elif others:
        left = left + others[0] * u * (1 if name == "reaction_diffusion" else -1)
    return float(np.abs(left - source).max() / np.abs(source).max())


def _picture() -> Picture:
    simulator = _build("advection_diffusion", 2, boundary="dirichlet")
    state = simulator.sample(np.random.RandomState(0)).state.numpy()
    figure = columns([field.T for field in state], TITLES)
    return Picture(
        name="example",
        caption="Steady advection–diffusion with varying coefficients, u = 0 on the walls: "
        "the source that follows from the solution, and the coefficients.",
        figure=figure,
    )
