"""Darcy flow: the five-point matrix assembled and factorized by SciPy, a problem at a time."""

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import spsolve

from matey_core.simulators import Sample, Simulator


def trajectory(simulator: Simulator, sample: Sample) -> np.ndarray:
    """Solve one sample in float64: (2, 2, x, y)."""
    del simulator
    coefficient = sample.state[0].numpy()
    solution = solve(coefficient, np.full_like(coefficient, sample.parameters["beta"]))
    start = np.stack([coefficient, np.zeros_like(coefficient)])
    return np.stack([start, np.stack([coefficient, solution])])


def solve(
    coefficient: np.ndarray, source: np.ndarray, *, discretization: str = "finite_volume"
) -> np.ndarray:
    """Solve −∇·(a∇u) = f on the unit square, directly."""
    matrix = assemble(coefficient, discretization)
    return spsolve(matrix, source.ravel()).reshape(source.shape)


def assemble(a: np.ndarray, discretization: str = "finite_volume") -> sparse.csc_array:
    """Make the matrix, with conductances as their links between neighbours."""
    if discretization == "finite_volume":
        mean, wall = (lambda left, right: 2 * left * right / (left + right)), 2.0
    else:
        mean, wall = (lambda left, right: (left + right) / 2), 1.0
    index = np.arange(a.size).reshape(a.shape)
    diagonal = np.zeros_like(a)
    rows, columns, values = [], [], []
    for axis in (0, 1):
        line, links = np.moveaxis(a, axis, 0), np.moveaxis(index, axis, 0)
        total = np.moveaxis(diagonal, axis, 0)
        link = mean(line[:-1], line[1:])
        total[:-1] += link
        total[1:] += link
        total[0] += wall * line[0]
        total[-1] += wall * line[-1]
        rows += [links[:-1].ravel(), links[1:].ravel()]
        columns += [links[1:].ravel(), links[:-1].ravel()]
        values += [-link.ravel(), -link.ravel()]
    rows.append(index.ravel())
    columns.append(index.ravel())
    values.append(diagonal.ravel())
    places = (np.concatenate(rows), np.concatenate(columns))
    return sparse.csc_array((np.concatenate(values), places)) * len(a) ** 2
