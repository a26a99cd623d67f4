"""The values around each point of a grid, as one feature a neighbor and field."""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from matey_core.fields import Grid


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighborhood:
    """The `k = (2·radius + 1)^a` points around every point: itself in the middle.

    Periodic axes wrap around, the others repeat their first and last point. A neighbor that is
    missing has the value of the point itself. Points are counted in the order of the grid's
    axes, the last one fastest.
    """

    grid: Grid
    radius: int
    known: Bool[Tensor, "b c n"] | None = None
    """Points that are not missing; None if none is."""

    def around(
        self, fields: Float[Tensor, "b c n"], points: Int[Tensor, " p"]
    ) -> Float[Tensor, "b ck p"]:
        """Values around some points: for each field, those of all `k` neighbors.

        Args:
            fields: (b, c, n) at all points of the grid.
            points: (p,) which points.
        """
        index = self._index(points)
        values = fields[:, :, index]
        if self.known is not None:
            own = fields[:, :, points].unsqueeze(2)
            values = torch.where(self.known[:, :, index], values, own)
        return values.flatten(1, 2)

    def _index(self, points: Int[Tensor, " p"]) -> Int[Tensor, "k p"]:
        """Numbers of the points around; without a table of all, which 3D has no memory for."""
        steps = torch.arange(-self.radius, self.radius + 1, device=points.device)[:, None]
        index, stride = torch.zeros_like(points)[None], 1
        for size, wraps in zip(self.grid.shape[::-1], self.grid.periodic[::-1], strict=True):
            moved = points // stride % size + steps
            moved = moved % size if wraps else moved.clamp(0, size - 1)
            index = (moved[:, None] * stride + index).flatten(0, 1)
            stride *= size
        return index
