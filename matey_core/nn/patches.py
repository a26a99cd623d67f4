"""From points to tokens and back in stages, each a linear map of blocks of points.

A stage is a convolution whose step is its size, or its transpose; its weights belong to a number of
axes. Channels come last.
"""

from collections.abc import Sequence
from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn


class PatchStem(nn.Module):
    """Every token is made of a block of points, in stages with GELU between them.

    With norms, every stage ends by dividing each channel by its size over the grid of its sample.
    """

    profile_part: ClassVar[str] = "stem"

    def __init__(
        self, widths: Sequence[int], sides: Sequence[int], *, has_norms: bool = False
    ) -> None:
        """Remember the stages: `add_axes` makes them.

        Args:
            widths: channels of a point, then after each stage.
            sides: points a side of the blocks of each stage.
            has_norms: whether every stage ends with a norm.
        """
        super().__init__()
        self.widths, self.sides, self.has_norms = tuple(widths), tuple(sides), has_norms
        self.maps = nn.ModuleDict()

    def forward(self, x: Float[Tensor, "b *space c"]) -> Float[Tensor, "b *tokens d"]:
        """Merge blocks of points; every axis is a multiple of the product of the sides."""
        stages = self.maps[str(x.ndim - 2)]
        assert isinstance(stages, nn.ModuleList)
        for number, (stage, side) in enumerate(zip(stages, self.sides, strict=True)):
            x = nn.functional.gelu(x) if number else x
            x = stage(to_channels(x, side))
            x = over_size(x) if self.has_norms else x
        return x.float()

    def add_axes(self, axes: int) -> None:
        """Add the maps for grids of this number of axes; they lie on the CPU."""
        self.maps[str(axes)] = nn.ModuleList(
            nn.Linear(width * side**axes, wider)
            for width, wider, side in zip(self.widths, self.widths[1:], self.sides, strict=False)
        )


class PatchHead(nn.Module):
    """Every token becomes a block of points, in stages with GELU between them."""

    profile_part: ClassVar[str] = "head"

    def __init__(self, widths: Sequence[int], sides: Sequence[int]) -> None:
        """Remember the stages: `add_axes` makes them.

        Args:
            widths: channels of a token, then after each stage.
            sides: points a side of the blocks that each stage makes.
        """
        super().__init__()
        self.widths, self.sides = tuple(widths), tuple(sides)
        self.maps = nn.ModuleDict()

    def forward(self, x: Float[Tensor, "b *tokens d"]) -> Float[Tensor, "b *space c"]:
        """Split tokens into points."""
        stages = self.maps[str(x.ndim - 2)]
        assert isinstance(stages, nn.ModuleList)
        for number, (stage, side) in enumerate(zip(stages, self.sides, strict=True)):
            x = nn.functional.gelu(x) if number else x
            x = to_points(stage(x), side)
        return x.float()

    def add_axes(self, axes: int) -> None:
        """Add the maps for grids of this number of axes; they lie on the CPU."""
        self.maps[str(axes)] = nn.ModuleList(
            nn.Linear(width, narrower * side**axes)
            for width, narrower, side in zip(self.widths, self.widths[1:], self.sides, strict=False)
        )


def over_size(x: Float[Tensor, "b *space c"]) -> Float[Tensor, "b *space c"]:
    """Divide every channel by its root mean square over space, in float32."""
    x = x.float()
    square = x.square().mean(tuple(range(1, x.ndim - 1)), keepdim=True)
    return x * (square + 1e-8).rsqrt()


def to_channels(x: Float[Tensor, "b *space c"], side: int) -> Float[Tensor, "b *blocks k"]:
    """Put the points of each block, `side` along every axis, one after another as channels."""
    if side == 1:
        return x
    axes = x.ndim - 2
    parts = [part for points in x.shape[1:-1] for part in (points // side, side)]
    x = x.reshape(len(x), *parts, x.shape[-1])
    blocks, inside = range(1, 2 * axes, 2), range(2, 2 * axes + 1, 2)
    return x.permute(0, *blocks, *inside, 2 * axes + 1).flatten(axes + 1)


def to_points(x: Float[Tensor, "b *blocks k"], side: int) -> Float[Tensor, "b *space c"]:
    """Undo `to_channels`."""
    if side == 1:
        return x
    axes, shape = x.ndim - 2, x.shape[1:-1]
    x = x.unflatten(-1, (*(side,) * axes, -1))
    order = [place for axis in range(1, axes + 1) for place in (axis, axes + axis)]
    x = x.permute(0, *order, 2 * axes + 1)
    return x.reshape(len(x), *(side * blocks for blocks in shape), -1)
