"""Attention without a softmax, whose cost grows with the number of points (arXiv 2205.13671)."""

import math
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from matey_core.fields import Grid

Turns = Float[Tensor, "n pairs"]
"""By which angle each pair of a head's channels is turned at every point."""


class LinearAttention(nn.Module):
    """q (kᵀ v) / n of n points, with keys and values standardized over the points."""

    profile_part: ClassVar[str] = "attention"

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.ask = nn.Linear(width, width, bias=False)
        self.keys = nn.Linear(width, width, bias=False)
        self.values = nn.Linear(width, width, bias=False)
        self.out = nn.Linear(width, width)

    def forward(
        self, queries: Float[Tensor, "#b m d"], points: Float[Tensor, "b n d"], near: Turns
    ) -> Float[Tensor, "b m d"]:
        """Let queries read the points.

        Args:
            queries: (b or 1, m, d) one for each of the m = n places of the grid.
            points: (b, n, d) what is read.
            near: (n, e) by which angle each pair of a head's channels is turned at a place.
        """
        q, k, v = (
            part.float().unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.ask(queries), self.keys(points), self.values(points))
        )
        # The sums over points lose digits in bfloat16.
        with torch.autocast(points.device.type, enabled=False):
            k, v = _standardized(k), _standardized(v)
            told = turned(k, near).transpose(-1, -2) @ v / k.shape[-2]
            found = turned(q, near) @ told
        return self.out(found.transpose(1, 2).flatten(2)).float()


def _standardized(x: Float[Tensor, "b h n e"]) -> Float[Tensor, "b h n e"]:
    """Standardize every channel over the points of its sample."""
    centered = x - x.mean(-2, keepdim=True)
    return centered * (centered.square().mean(-2, keepdim=True) + 1e-5).rsqrt()


def turns(grid: Grid, channels: int, device: torch.device) -> Turns:
    """Angles by which pairs of channels are turned at every point.

    The pairs are dealt out to the axes, with wavenumbers 1, 2, … on each. Products of turned
    vectors depend on distances only, and on a periodic axis on those around it; between walls the
    waves are half as short in number, so that both ends differ.

    Args:
        grid: of the points.
        channels: of a head, even.
        device: of the angles.
    """
    angles = torch.zeros(*grid.shape, channels // 2, device=device)
    for axis, (points, wraps) in enumerate(zip(grid.shape, grid.periodic, strict=True)):
        mine = angles[..., axis :: grid.num_axes]
        number = torch.arange(1, mine.shape[-1] + 1, device=device)
        place = (torch.arange(points, device=device) + 0.5) / points
        angle = (2 if wraps else 1) * math.pi * place.unsqueeze(1) * number
        mine += angle.reshape(points, *(1,) * (grid.num_axes - axis - 1), -1)
    return angles.flatten(0, -2)


def turned(x: Float[Tensor, "b h n e"], near: Turns) -> Float[Tensor, "b h n e"]:
    """Turn each pair of channels by its angle."""
    first, second = x.chunk(2, dim=-1)
    cosine, sine = near.cos(), near.sin()
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)
