"""−∇·(a∇u) = f between walls where u = 0: Chebyshev's iteration in a batch.

The preconditioner is the same discretization with a = 1, solved by its eigenvectors along
each axis (Lynch, Rice and Thomas 1964). What it leaves has its eigenvalues between the
smallest and the largest a, whatever the grid. So Chebyshev's iteration (Golub and Varga 1961;
Concus and Golub 1973) needs no scalar products, and theory gives a number of iterations that
is enough for every sample: nothing is measured, and nothing depends on the batch.

Everything works on grids padded with empty cells to a multiple of `ALIGNMENT`: the rounding of
a matrix product is then the same wherever a sample stands in the batch.
"""

import functools
import math
from typing import Literal, NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

Discretization = Literal["finite_volume", "published"]
"""`finite_volume`: harmonic means at faces, u = 0 on the walls. `published`: arithmetic means,
and u = 0 half a cell outside the walls, as in PDEBench's files."""
ALIGNMENT = 16
WALL_DISTANCE = {"finite_volume": 0.5, "published": 1.0}
"""Distance from the outermost cell centres to where u = 0, in cells."""


class _Poisson(NamedTuple):
    """Eigenvectors along an axis, in columns, and 1 / eigenvalues of a = 1."""

    basis: Float[Tensor, "m m"]
    inverse: Float[Tensor, "m m"]


class _FaceValues(NamedTuple):
    """Coefficient at faces over the distance between the centres beside them, in cells."""

    x: Float[Tensor, "b faces m"]
    y: Float[Tensor, "b m faces"]


def iterations(bounds: tuple[float, float], dtype: torch.dtype) -> int:
    """Number that brings the error in the energy norm down to rounding.

    2 ((√c − 1) / (√c + 1))ⁿ ≤ ε, with c = max a / min a and ε the spacing of numbers at 1.

    Args:
        bounds: smallest and largest coefficient.
        dtype: of the arithmetic.
    """
    root = math.sqrt(bounds[1] / bounds[0])
    if root == 1:
        return 1
    return math.ceil(math.log(2 / torch.finfo(dtype).eps) / math.log((root + 1) / (root - 1)))


def solve(
    coefficient: Float[Tensor, "b n n"],
    source: Float[Tensor, "b n n"],
    *,
    bounds: tuple[float, float],
    discretization: Discretization = "finite_volume",
) -> Float[Tensor, "b n n"]:
    """Solve on the unit square, second order where a is smooth.

    Args:
        coefficient: a at cell centres.
        source: f at cell centres.
        bounds: positive numbers that a stays between.
        discretization: see `Discretization`.
    """
    size = coefficient.shape[-1]
    padded = math.ceil(size / ALIGNMENT) * ALIGNMENT
    poisson = _poisson(size, padded, discretization, coefficient.dtype, coefficient.device)
    faces = _faces(coefficient, padded, discretization)
    gap = padded - size
    residual = pad(source / size**2, (0, gap, 0, gap))
    flows = _FaceValues(torch.empty_like(faces.x), torch.empty_like(faces.y))
    center, radius = (bounds[1] + bounds[0]) / 2, (bounds[1] - bounds[0]) / 2
    step = _precondition(residual, poisson).mul_(1 / center)
    solution = step.clone()
    previous = radius / center
    for _ in range(iterations(bounds, coefficient.dtype)):
        _flow(step, faces, flows)
        _add_inflow(residual, flows)
        ratio = radius / (2 * center - radius * previous)
        weight = 2 / (2 * center - radius * previous)
        step.mul_(ratio * previous).add_(_precondition(residual, poisson), alpha=weight)
        solution.add_(step)
        previous = ratio
    return solution[:, :size, :size]


def apply(
    values: Float[Tensor, "b n n"],
    coefficient: Float[Tensor, "b n n"],
    *,
    discretization: Discretization = "finite_volume",
) -> Float[Tensor, "b n n"]:
    """Give −∇·(a∇u) of cell values, as `solve` inverts it."""
    size = values.shape[-1]
    faces = _faces(coefficient, size, discretization)
    flows = _FaceValues(torch.empty_like(faces.x), torch.empty_like(faces.y))
    _flow(values, faces, flows)
    inflow = torch.zeros_like(values)
    _add_inflow(inflow, flows)
    return inflow * -(size**2)


def _flow(values: Float[Tensor, "b m m"], faces: _FaceValues, flows: _FaceValues) -> None:
    """Flow towards larger coordinates, with the sign of ∇u; beyond the array u is 0."""
    torch.sub(values[:, 1:], values[:, :-1], out=flows.x[:, 1:-1])
    flows.x[:, 0] = values[:, 0]
    torch.neg(values[:, -1], out=flows.x[:, -1])
    flows.x.mul_(faces.x)
    torch.sub(values[:, :, 1:], values[:, :, :-1], out=flows.y[:, :, 1:-1])
    flows.y[:, :, 0] = values[:, :, 0]
    torch.neg(values[:, :, -1], out=flows.y[:, :, -1])
    flows.y.mul_(faces.y)


def _add_inflow(total: Float[Tensor, "b m m"], flows: _FaceValues) -> None:
    total.add_(flows.x[:, 1:]).sub_(flows.x[:, :-1])
    total.add_(flows.y[:, :, 1:]).sub_(flows.y[:, :, :-1])


def _faces(
    coefficient: Float[Tensor, "b n n"], padded: int, discretization: Discretization
) -> _FaceValues:
    gap = padded - coefficient.shape[-1]
    x, y = (_across(coefficient, axis, discretization) for axis in (1, 2))
    return _FaceValues(pad(x, (0, gap, 0, gap)), pad(y, (0, gap, 0, gap)))


def _across(
    coefficient: Float[Tensor, "b n n"], axis: int, discretization: Discretization
) -> Float[Tensor, "b p q"]:
    size = coefficient.shape[axis]
    left, right = coefficient.narrow(axis, 0, size - 1), coefficient.narrow(axis, 1, size - 1)
    if discretization == "published":
        inner = (left + right) / 2
    else:
        inner = 2 * left * right / (left + right)
    walls = coefficient / WALL_DISTANCE[discretization]
    return torch.cat([walls.narrow(axis, 0, 1), inner, walls.narrow(axis, size - 1, 1)], axis)


def _precondition(residual: Float[Tensor, "b m m"], poisson: _Poisson) -> Float[Tensor, "b m m"]:
    basis = poisson.basis.expand(len(residual), -1, -1)
    modes = torch.bmm(torch.bmm(basis.mT, residual), basis).mul_(poisson.inverse)
    return torch.bmm(torch.bmm(basis, modes), basis.mT)


@functools.lru_cache(maxsize=8)
def _poisson(
    size: int,
    padded: int,
    discretization: Discretization,
    dtype: torch.dtype,
    device: torch.device,
) -> _Poisson:
    line = 2 * np.eye(size) - np.eye(size, k=1) - np.eye(size, k=-1)
    line[0, 0] = line[-1, -1] = 1 + 1 / WALL_DISTANCE[discretization]
    values, vectors = np.linalg.eigh(line)
    basis, inverse = np.zeros((2, padded, padded))
    basis[:size, :size] = vectors
    inverse[:size, :size] = 1 / (values[:, None] + values)
    return _Poisson(*(torch.from_numpy(array).to(device, dtype) for array in (basis, inverse)))
