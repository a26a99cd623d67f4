"""Half and double resolution of a grid, by linear maps of blocks of two points a side.

Both compute in float32 also inside autocast, which on processors is faster for such small maps.
"""

from collections.abc import Callable
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

Convolution = Callable[..., Tensor]


def _convolve_line(
    values: Float[Tensor, "b d n"],
    kernel: Float[Tensor, "e _f k"],
    bias: Float[Tensor, " e"] | None = None,
    *,
    groups: int = 1,
) -> Float[Tensor, "b e _m"]:
    """Convolve in 1D as in 2D, which keeps channels last in memory and so is twice as fast."""
    kernel = kernel.unsqueeze(2)
    return nn.functional.conv2d(values.unsqueeze(2), kernel, bias, groups=groups).squeeze(2)


CONVOLUTIONS: dict[int, Convolution] = {
    1: _convolve_line,
    2: nn.functional.conv2d,
    3: nn.functional.conv3d,
}
"""Number of axes → convolution of (b, d, *space) with a kernel (e, d, *side)."""


class Halving(nn.Module):
    """Blocks of two points a side, each one linear map to twice the channels."""

    profile_part: ClassVar[str] = "blocks"

    def __init__(self, fine: int) -> None:
        super().__init__()
        self.fine = fine
        self.norm = nn.LayerNorm(fine)
        self.maps = nn.ModuleDict()

    def forward(
        self, x: Float[Tensor, "b *space d"], periodic: tuple[bool, ...]
    ) -> Float[Tensor, "b *half e"]:
        """Halve every axis, rounded up."""
        x, axes = self.norm(x), len(periodic)
        for axis, wraps in enumerate(periodic, start=1):
            if x.shape[axis] % 2:
                last = x.narrow(axis, 0 if wraps else x.shape[axis] - 1, 1)
                x = torch.cat([x, last], dim=axis)
        halves = [part for points in x.shape[1:-1] for part in (points // 2, 2)]
        x = x.reshape(len(x), *halves, self.fine)
        corners = range(2, 2 * axes + 1, 2)
        x = x.permute(0, *range(1, 2 * axes, 2), *corners, 2 * axes + 1).flatten(axes + 1)
        with torch.autocast(x.device.type, enabled=False):
            halved: Tensor = self.maps[str(axes)](x.float())
        return halved

    def add_axes(self, axes: int) -> None:
        """Add a map for grids of this number of axes."""
        linear = nn.Linear(self.fine * 2**axes, 2 * self.fine)
        self.maps[str(axes)] = linear.to(self.norm.weight.device)


class Doubling(nn.Module):
    """Every point split into two a side by a linear map, and joined with a finer level."""

    profile_part: ClassVar[str] = "blocks"

    def __init__(self, fine: int) -> None:
        super().__init__()
        self.fine = fine
        self.norm = nn.LayerNorm(2 * fine)
        self.maps = nn.ModuleDict()
        self.join = nn.Linear(2 * fine, fine)

    def forward(
        self, x: Float[Tensor, "b *half e"], beside: Float[Tensor, "b *space d"]
    ) -> Float[Tensor, "b *space d"]:
        """Double every axis, cut to the size of `beside`."""
        shape, axes = x.shape[1:-1], x.ndim - 2
        with torch.autocast(x.device.type, enabled=False):
            corners, join = self.maps[str(axes)], self.join
            assert isinstance(corners, nn.Linear)
            join_beside, join_finer = _matrix(join).split(self.fine)
            # One map of points, not two: the small matrices are multiplied instead.
            weight = _matrix(corners).unflatten(1, (-1, self.fine)) @ join_finer
            bias = corners.bias.unflatten(0, (-1, self.fine)) @ join_finer + join.bias
            x = self.norm(x.float()) @ weight.flatten(1) + bias.flatten()
            x = x.unflatten(-1, (*(2,) * axes, self.fine))
            order = [place for axis in range(1, axes + 1) for place in (axis, axes + axis)]
            x = x.permute(0, *order, 2 * axes + 1)
            x = x.reshape(len(x), *(2 * points for points in shape), self.fine)
            for axis, points in enumerate(beside.shape[1:-1], start=1):
                if points < x.shape[axis]:  # not always, as a cut costs a pass on the way back
                    x = x.narrow(axis, 0, points)
            return beside.float() @ join_beside + x

    def add_axes(self, axes: int) -> None:
        """Add a map for grids of this number of axes."""
        linear = nn.Linear(2 * self.fine, self.fine * 2**axes)
        self.maps[str(axes)] = linear.to(self.norm.weight.device)


def _matrix(layer: nn.Linear) -> Float[Tensor, "i o"]:
    """What a layer multiplies by, with the adapters that hang on it."""
    weight: Tensor = layer.weight
    basis = torch.eye(layer.in_features, dtype=weight.dtype, device=weight.device)
    answer: Tensor = layer(basis) - layer.bias
    return answer
