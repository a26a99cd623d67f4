"""Stem (patch → token) and head (token → patch): three stages, local to a cell.

The published stem (arXiv 2412.20601) is three convolutions whose strides equal
their kernels, so it never mixes patches except through its norms. With norms over
a point's channels instead, a cell's token depends on the cell alone: stages become
matrix products on packed cells, and fine stems run only where cells are fine.
"""

import math
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from matey_core.nn.factors import stage_factors

Details = tuple[Float[Tensor, "n k3 k2 w"], Float[Tensor, "n k3 w"]]
"""A stem's features of the last frame, after its first and after its second stage."""
Channels = tuple[Float[Tensor, "m 1 g *any"], Float[Tensor, "g v"]]
"""Channels that all frames have, and their vectors."""


class Stem(nn.Module):
    """Cells of one size to tokens.

    The first stage reads physical fields: its kernel is the product of a table of
    field vectors (shared by all sizes) and a kernel of its own, so that a new field
    is one more row of the table.
    """

    profile_part: ClassVar[str] = "stem"

    def __init__(self, patch: tuple[int, ...], width: int, *, inner: int) -> None:
        super().__init__()
        self.factors = tuple(stage_factors(side) for side in patch)
        first, second, third = (math.prod(f[stage] for f in self.factors) for stage in range(3))
        self.first = nn.Parameter(torch.randn(first, inner, inner) / (first * inner) ** 0.5)
        self.first_bias = nn.Parameter(torch.zeros(inner))
        self.second = nn.Linear(second * inner, inner)
        self.third = nn.Linear(third * inner, width)
        self.first_norm = nn.LayerNorm(inner)
        self.second_norm = nn.LayerNorm(inner)
        self.activation = nn.GELU()

    def forward(
        self,
        cells: Float[Tensor, "n t c *patch"],
        table: Float[Tensor, "c w"],
        given: Channels | None = None,
    ) -> tuple[Float[Tensor, "n t d"], Details]:
        """Embed cells.

        Args:
            cells: (n, t, c, *patch) normalized fields of each cell and frame.
            table: (c, w) vector of each channel.
            given: further channels of each cell, the same for all frames, and their vectors.

        Returns:
            (n, t, d) tokens, and the last frame's features after each of the first two
            stages, (n, k3, k2, w) and (n, k3, w), for the head.
        """
        with torch.autocast(cells.device.type, enabled=False):
            points = self._points(cells, table, scale=table.shape[0] ** 0.5) + self.first_bias
            if given is not None:
                points = points + self._points(*given)
            fine = self.first_norm(points)
        fine = self.activation(fine)
        coarse = self.activation(self.second_norm(self.second(fine.flatten(-2))))
        return self.third(coarse.flatten(-2)), (fine[:, -1], coarse[:, -1])

    def _points(
        self,
        cells: Float[Tensor, "n t c *patch"],
        table: Float[Tensor, "c w"],
        *,
        scale: float = 1.0,
    ) -> Float[Tensor, "n t k3 k2 v"]:
        """Channels through the first stage, without its offset."""
        kernel = torch.einsum("cw,kwv->kcv", table.float(), self.first).flatten(0, 1)
        return nested(cells.float(), self.factors).flatten(-2) @ (kernel / scale)


class Head(nn.Module):
    """Tokens to cells of one size: the stem's mirror image."""

    profile_part: ClassVar[str] = "head"

    def __init__(self, patch: tuple[int, ...], width: int, *, inner: int) -> None:
        super().__init__()
        self.factors = tuple(stage_factors(side) for side in patch)
        first, second, third = (math.prod(f[stage] for f in self.factors) for stage in range(3))
        self.norm = nn.LayerNorm(width)
        self.third = nn.Linear(width, third * inner)
        self.third_norm = nn.LayerNorm(inner)
        self.second = nn.Linear(inner, second * inner)
        self.second_norm = nn.LayerNorm(inner)
        self.first = nn.Parameter(torch.randn(first, inner, inner) / inner**0.5)
        self.activation = nn.GELU()
        self.inner = inner

    def forward(
        self,
        tokens: Float[Tensor, "n d"],
        details: Details | None,
        table: Float[Tensor, "c w"],
        bias: Float[Tensor, " c"],
    ) -> Float[Tensor, "n c *patch"]:
        """Decode the last frame's tokens.

        Args:
            tokens: (n, d).
            details: the stem's features of the same cells, (n, k3, k2, w) and (n, k3, w),
                or None.
            table: (c, w) vector of each field.
            bias: (c) offset of each field.
        """
        fine, coarse = (0.0, 0.0) if details is None else details
        x = self.third(self.norm(tokens)).unflatten(-1, (-1, self.inner)) + coarse
        x = self.activation(self.third_norm(x))
        x = self.second(x).unflatten(-1, (-1, self.inner)) + fine
        x = self.activation(self.second_norm(x))
        with torch.autocast(tokens.device.type, enabled=False):
            kernel = torch.einsum("kvw,cw->vkc", self.first, table.float()).flatten(1)
            points = (x.float() @ kernel).unflatten(-1, (-1, table.shape[0])) + bias
        return unnested(points, self.factors)


def nested(
    cells: Float[Tensor, "n t c *patch"], factors: tuple[tuple[int, int, int], ...]
) -> Float[Tensor, "n t k3 k2 k1 c"]:
    """Group a cell's points by the stages of a stem.

    Args:
        cells: (n, t, c, *patch).
        factors: the three factors of every axis of the patch, innermost first.
    """
    n, t, c, *_ = cells.shape
    view = cells.reshape(n, t, c, *(side for factor in factors for side in reversed(factor)))
    axes = range(3, view.ndim, 3)
    order = [axis + stage for stage in range(3) for axis in axes]
    stages = [math.prod([factor[stage] for factor in factors]) for stage in (2, 1, 0)]
    return view.permute(0, 1, *order, 2).reshape(n, t, *stages, c)


def unnested(
    points: Float[Tensor, "n k3 k2 k1 c"], factors: tuple[tuple[int, int, int], ...]
) -> Float[Tensor, "n c *patch"]:
    """Undo `nested` for one frame.

    Args:
        points: (n, k3, k2, k1, c).
        factors: see `nested`.
    """
    n, c, num_axes = points.shape[0], points.shape[-1], len(factors)
    stages = [factor[stage] for stage in (2, 1, 0) for factor in factors]
    view = points.reshape(n, *stages, c)
    order = [1 + axis + stage * num_axes for axis in range(num_axes) for stage in range(3)]
    sides = [math.prod(factor) for factor in factors]
    return view.permute(0, view.ndim - 1, *order).reshape(n, c, *sides)
