"""Fast diagonalization: cosine and sine transforms that turn the Laplacian into numbers.

R. E. Lynch, J. R. Rice and D. H. Thomas, Direct solution of partial difference equations by
tensor product methods, Numer. Math. 6 (1964). The transforms are small dense matrices: on
grids of a few hundred points a matrix product is as fast as an FFT with its mirror images.
"""

import math
from collections.abc import Callable
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor, nn

Line = Literal["cells", "nodes", "interior", "periodic"]
"""Where the n intervals of a line have their values, and what holds at its ends.

`cells`: n midpoints, zero slope (DCT-II); `nodes`: all n + 1 ends of intervals, zero slope
(DCT-I); `interior`: the n − 1 ends between two intervals, zero value (DST-I); `periodic`: n.
"""


class SineTransform:
    """Eigenvectors of the five-point Laplacian on a rectangle.

    Args:
        lines: what holds along x and along y.
        shape: intervals along x and along y.
    """

    def __init__(self, lines: tuple[Line, Line], shape: tuple[int, int]) -> None:
        x, y = (_BASES[line](count) for line, count in zip(lines, shape, strict=True))
        eigenvalues = x[1][:, None] + y[1]
        self.shape = (len(x[1]), len(y[1]))
        exact = (
            torch.linalg.inv(x[0]),
            torch.linalg.inv(y[0]).T,
            x[0],
            y[0].T,
            eigenvalues,
            torch.where(eigenvalues == 0, 0.0, 1 / eigenvalues),
        )
        self._exact = tuple(_padded(part) for part in exact)
        self._made: dict[tuple[torch.dtype, torch.device], tuple[Tensor, ...]] = {}

    def forward(self, values: Float[Tensor, "b x y"]) -> Float[Tensor, "b p q"]:
        """Coefficients of eigenvectors, with zeros after them up to multiples of 4.

        Every sample then has the same alignment, on which depends how a product is rounded.
        """
        left, right, *_ = self._matrices(values)
        return _both_sides(left, _padded(values).contiguous(), right)

    def inverse(self, coefficients: Float[Tensor, "b p q"]) -> Float[Tensor, "b x y"]:
        """Values from coefficients."""
        _, _, left, right, _, _ = self._matrices(coefficients)
        columns, rows = self.shape
        return _both_sides(left, coefficients, right)[:, :columns, :rows]

    def eigenvalues(self, like: Tensor) -> Float[Tensor, "p q"]:
        """Those of −h²Δ, between 0 and 8, in the dtype and on the device of `like`."""
        return self._matrices(like)[4]

    def reciprocals(self, like: Tensor) -> Float[Tensor, "p q"]:
        """One over each eigenvalue; 0 for the constant, whose eigenvalue is 0."""
        return self._matrices(like)[5]

    def _matrices(self, like: Tensor) -> tuple[Tensor, ...]:
        key = (like.dtype, like.device)
        if key not in self._made:
            self._made[key] = tuple(part.to(like.device, like.dtype) for part in self._exact)
        return self._made[key]


def _both_sides(
    left: Float[Tensor, "p p"], values: Float[Tensor, "b p q"], right: Float[Tensor, "q q"]
) -> Float[Tensor, "b p q"]:
    """Multiply sample by sample: one product of all would round differently in each batch."""
    count = len(values)
    return torch.bmm(torch.bmm(left.expand(count, -1, -1), values), right.expand(count, -1, -1))


def _padded(values: Float[Tensor, "*b x y"]) -> Float[Tensor, "*b p q"]:
    columns, rows = values.shape[-2:]
    return nn.functional.pad(values, (0, -rows % 4, 0, -columns % 4))


Basis = tuple[Float[Tensor, "n n"], Float[Tensor, " n"]]


def _cells(count: int) -> Basis:
    wave = torch.arange(count, dtype=torch.float64)
    return torch.cos(math.pi / count * (wave[:, None] + 0.5) * wave), _decay(wave / count)


def _nodes(count: int) -> Basis:
    wave = torch.arange(count + 1, dtype=torch.float64)
    return torch.cos(math.pi / count * wave[:, None] * wave), _decay(wave / count)


def _interior(count: int) -> Basis:
    wave = torch.arange(1, count, dtype=torch.float64)
    return torch.sin(math.pi / count * wave[:, None] * wave), _decay(wave / count)


def _periodic(count: int) -> Basis:
    point = torch.arange(count, dtype=torch.float64)
    wave = torch.div(point + 1, 2, rounding_mode="floor")
    # Waves 0, 1, 1, 2, 2, …: a cosine, and where there is a second one a sine.
    phase = torch.where((point % 2 == 1) | (point == 0), 0 * point, 0 * point - math.pi / 2)
    return torch.cos(2 * math.pi / count * point[:, None] * wave + phase), _decay(2 * wave / count)


def _decay(turns: Float[Tensor, " n"]) -> Float[Tensor, " n"]:
    return 4 * torch.sin(math.pi / 2 * turns) ** 2


_BASES: dict[Line, Callable[[int], Basis]] = {
    "cells": _cells,
    "nodes": _nodes,
    "interior": _interior,
    "periodic": _periodic,
}
