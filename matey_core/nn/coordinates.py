"""Where every point of the grid is, for models that are asked for the answer at a place."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from matey_core.fields import Grid
from matey_core.nn.grid_encoding import MAX_AXES, GridEncoding

WAVES = 8
"""Wavenumbers by which points of a periodic axis are told apart."""


class Coordinates(nn.Module):
    """Embed the position of every point: waves along periodic axes, depths between walls.

    Positions are fractions of the axis, so that points which two grids share have one embedding.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.walls = GridEncoding(width)
        self.around = nn.Parameter(torch.randn(MAX_AXES, 2 * WAVES, width) / (2 * WAVES) ** 0.5)

    def forward(self, grid: Grid) -> Float[Tensor, "*space d"]:
        """Embed every point: the sum over axes of what each coordinate tells.

        Args:
            grid: its shape and the boundary of each axis.
        """
        embedded = self.walls(grid)
        for axis, (points, wraps) in enumerate(zip(grid.shape, grid.periodic, strict=True)):
            # Between walls the waves count nothing, so that every weight has a gradient.
            waves = _waves(points, self.around.device) * float(wraps)
            along = waves @ self.around[axis]
            embedded = embedded + along.reshape(points, *(1,) * (grid.num_axes - axis - 1), -1)
        return embedded


def _waves(points: int, device: torch.device) -> Float[Tensor, "n f"]:
    """Cosines and sines of the lowest waves at the middle of each of n cells."""
    numbers = torch.arange(1, WAVES + 1, device=device)
    place = (torch.arange(points, device=device, dtype=torch.float32) + 0.5) / points
    angle = 2 * math.pi * place.unsqueeze(1) * numbers
    return torch.cat([angle.cos(), angle.sin()], dim=1)
