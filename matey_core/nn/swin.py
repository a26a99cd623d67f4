"""Blocks of a U-shaped Swin transformer whose norms know the time (arXiv 2405.19101)."""

from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from matey_core.nn.mlp import Mlp
from matey_core.nn.padding import surround
from matey_core.nn.patches import to_channels, to_points
from matey_core.nn.resolution import CONVOLUTIONS
from matey_core.nn.scaled import add_scaled
from matey_core.nn.windows import WindowAttention, WindowCut

SIDE = 7
"""Points of a kernel along each axis."""
LAYER_SCALE = 0.1
"""Of the blocks beside the U at first. Published is 1e-6."""

Time = Float[Tensor, "b *ones"]


class TimedNorm(nn.Module):
    """A layer norm whose scale and shift are straight lines in time.

    At first the scale is about 1 at all times. Published weights begin near 0, so that branches
    are nearly switched off.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.scale = nn.Parameter(torch.stack([torch.ones(width), 0.02 * torch.randn(width)]))
        self.shift = nn.Parameter(torch.stack([torch.zeros(width), 0.02 * torch.randn(width)]))

    def forward(self, x: Float[Tensor, "b *tokens d"], time: Time) -> Tensor:
        """Standardize every token, then scale and shift it by its sample's time."""
        x = nn.functional.layer_norm(x.float(), (self.width,))
        scale, shift = (line[0] + time * line[1] for line in (self.scale, self.shift))
        return add_scaled(shift, x, scale)


class SwinBlock(nn.Module):
    """Attention inside windows, then a pointwise network, each with a norm behind it."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = WindowAttention(width, heads)
        self.attention_norm = TimedNorm(width)
        self.mlp = Mlp(width)
        self.mlp_norm = TimedNorm(width)

    def forward(self, x: Float[Tensor, "b *tokens d"], time: Time, windows: WindowCut) -> Tensor:
        """Add what each branch says."""
        x = x + self.attention_norm(self.attention(x, windows), time)
        return x + self.mlp_norm(self.mlp(x), time)


class SkipBlock(nn.Module):
    """x + scale · MLP(norm(depthwise convolution of x)), on the way across the U."""

    profile_part: ClassVar[str] = "blocks"

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.kernels = nn.ParameterDict()
        self.bias = nn.Parameter(torch.zeros(width))
        self.norm = TimedNorm(width)
        self.mlp = Mlp(width)
        self.scale = nn.Parameter(torch.full((width,), LAYER_SCALE))

    def forward(
        self, x: Float[Tensor, "b *tokens d"], time: Time, periodic: tuple[bool, ...]
    ) -> Float[Tensor, "b *tokens d"]:
        """Look around on the grid, channel by channel, then act on each token."""
        axes = x.ndim - 2
        around = surround(x.movedim(-1, 1), SIDE // 2, periodic=periodic)
        kernel = self.kernels[str(axes)]
        seen = CONVOLUTIONS[axes](around, kernel, self.bias, groups=self.width)
        return x + self.scale * self.mlp(self.norm(seen.movedim(1, -1), time))

    def add_axes(self, axes: int) -> None:
        """Add a kernel for grids of this number of axes."""
        kernel = torch.randn(self.width, 1, *(SIDE,) * axes) / SIDE ** (axes / 2)
        self.kernels[str(axes)] = nn.Parameter(kernel.to(self.bias.device))


class Merging(nn.Module):
    """Blocks of two tokens a side, each one token of twice the width."""

    profile_part: ClassVar[str] = "blocks"

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.maps = nn.ModuleDict()
        self.norm = TimedNorm(2 * width)

    def forward(
        self, x: Float[Tensor, "b *tokens d"], time: Time, periodic: tuple[bool, ...]
    ) -> Float[Tensor, "b *half e"]:
        """Halve every axis, rounded up."""
        for axis, wraps in enumerate(periodic, start=1):
            if x.shape[axis] % 2:
                last = x.narrow(axis, 0 if wraps else x.shape[axis] - 1, 1)
                x = torch.cat([x, last], dim=axis)
        return self.norm(self.maps[str(len(periodic))](to_channels(x, 2)), time)

    def add_axes(self, axes: int) -> None:
        """Add a map for grids of this number of axes."""
        linear = nn.Linear(2**axes * self.width, 2 * self.width, bias=False)
        self.maps[str(axes)] = linear.to(self.norm.scale.device)


class Unmerging(nn.Module):
    """Every token split into two a side, of half the width."""

    profile_part: ClassVar[str] = "blocks"

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width
        self.maps = nn.ModuleDict()
        self.norm = TimedNorm(width)
        self.mix = nn.Linear(width, width, bias=False)

    def forward(
        self, x: Float[Tensor, "b *half e"], time: Time, shape: tuple[int, ...]
    ) -> Float[Tensor, "b *tokens d"]:
        """Double every axis, cut to a shape."""
        x = to_points(self.maps[str(len(shape))](x), 2)
        for axis, tokens in enumerate(shape, start=1):
            x = x.narrow(axis, 0, tokens)
        return self.mix(self.norm(x, time)).float()

    def add_axes(self, axes: int) -> None:
        """Add a map for grids of this number of axes."""
        linear = nn.Linear(2 * self.width, 2**axes * self.width, bias=False)
        self.maps[str(axes)] = linear.to(self.norm.scale.device)
