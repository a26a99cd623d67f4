"""Where a point of the grid is between walls, as a vector: nothing along periodic axes."""

import math

import torch
from jaxtyping import Float
from torch import Tensor, nn

from matey_core.fields import BOUNDARIES, Boundary, Grid
from matey_core.tokens import remember, to_device

MAX_AXES = 3
WAVES = 4
DEPTHS = (8.0, 32.0)
"""Distances from a wall are told apart by exp(−depth · distance), in units of the axis."""
FEATURES = 2 * WAVES + 2 * len(DEPTHS) + len(BOUNDARIES)


class GridEncoding(nn.Module):
    """Embed the position of every point along bounded axes, and each axis' boundary.

    Along a periodic axis all points are alike, so that a model which adds this encoding
    still moves its answer with its input. Positions are fractions of the axis: points that
    two grids share have one encoding.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.axes = nn.Parameter(torch.randn(MAX_AXES, FEATURES, width) / FEATURES**0.5)

    def forward(self, grid: Grid) -> Float[Tensor, "*space d"]:
        """Embed every point: the sum over axes of what each coordinate tells.

        Args:
            grid: its shape and the boundary of each axis.
        """
        encodings = [
            (_features((points, boundary), self.axes.device) @ self.axes[axis]).reshape(
                points, *(1,) * (grid.num_axes - axis - 1), -1
            )
            for axis, (points, boundary) in enumerate(zip(grid.shape, grid.boundary, strict=True))
        ]
        return sum(encodings[1:], start=encodings[0])


@remember
def _features(key: tuple[int, Boundary], device: torch.device) -> Float[Tensor, "n f"]:
    """Kind of the boundary and, where there are walls, waves and distances of n points."""
    points, boundary = key
    kind = torch.zeros(points, len(BOUNDARIES), device=device)
    kind[:, BOUNDARIES.index(boundary)] = 1.0
    place = (torch.arange(points, device=device, dtype=torch.float32) + 0.5) / points
    angle = math.pi * place.unsqueeze(1) * torch.arange(1, WAVES + 1, device=device)
    depth = to_device(torch.tensor(DEPTHS), device)
    left = torch.exp(-depth * place.unsqueeze(1))
    walls = torch.cat([angle.cos(), angle.sin(), left, left.flip(0)], dim=1)
    if boundary == "periodic":
        walls = torch.zeros_like(walls)
    return torch.cat([walls, kind], dim=1)
