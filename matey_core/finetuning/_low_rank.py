"""Products of two thin matrices beside what a weight does, or added to it."""

import math
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn.utils import parametrize

from matey_core.nn.spectral import SpectralLayer


class LowRank(nn.Module):
    """x ↦ scale · up(down(x)), over the channels of a layer; 0 before it has trained."""

    def __init__(self, layer: nn.Module, *, rank: int, scale: float) -> None:
        super().__init__()
        weight = layer.get_parameter("weight")
        outputs, inputs, *self._kernel = weight.shape
        self.scale = scale
        self.down = nn.Parameter(weight.new_empty(rank, inputs))
        self.up = nn.Parameter(weight.new_zeros(outputs, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, x: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
        """Map the channels: the last axis, or the one before the axes of a convolution."""
        axis = -1 - len(self._kernel)
        inner = nn.functional.linear(x.movedim(axis, -1), self.down)
        return self.scale * nn.functional.linear(inner, self.up).movedim(-1, axis)

    @torch.no_grad()
    def update(self) -> Tensor:
        """What the layer's weight would have to gain to do the same."""
        product = self.scale * self.up @ self.down
        return product.reshape(*product.shape, *self._kernel)


class LowRankSum(nn.Module):
    """W ↦ W + scale · up · down, of a weight that is seen as a matrix; W before it has trained.

    For a weight that a layer uses in its own way: `layer.NAME` is the sum.
    """

    def __init__(self, weight: Tensor, rows: int, *, rank: int, scale: float) -> None:
        """Begin with nothing.

        Args:
            weight: whose first axes are the rows of the matrix.
            rows: how many they are together.
            rank: inner size of the product.
            scale: its factor.
        """
        super().__init__()
        self.scale = scale
        self.down = nn.Parameter(weight.new_empty(rank, weight.numel() // rows))
        self.up = nn.Parameter(weight.new_zeros(rows, rank))
        nn.init.kaiming_uniform_(self.down, a=math.sqrt(5))

    def forward(self, weight: Tensor) -> Tensor:
        """Add the product, in float32 also inside autocast: as it is merged."""
        with torch.autocast(weight.device.type, enabled=False):
            return weight + (self.scale * self.up @ self.down).view_as(weight)


def matrices(module: nn.Module) -> Iterator[tuple[str, int]]:
    """Weights of a module that may have a `LowRankSum`, and the rows that they have.

    A kernel that is kept as a matrix maps a neighborhood to few channels and these to all. Of a
    spectral layer a row is a wave: it adds few matrices of channels, each wave as much as it needs.
    """
    if isinstance(module, SpectralLayer):
        yield "weight", math.prod(module.weight.shape[:-3])
    elif isinstance(module, nn.ParameterDict):
        for name, value in module.items():
            if value.ndim == 2:
                yield name, len(value)


def add_sum(module: nn.Module, name: str, rows: int, *, rank: int, scale: float) -> None:
    """Let a weight be the sum of itself, which keeps its `requires_grad`, and a product."""
    weight = getattr(module, name)
    parametrize.register_parametrization(
        module, name, LowRankSum(weight.detach(), rows, rank=rank, scale=scale)
    )


def sums(model: nn.Module) -> Iterator[tuple[str, Tensor, LowRankSum]]:
    """Full name, own value and product of every weight that is a sum."""
    for prefix, module in model.named_modules():
        if not parametrize.is_parametrized(module):
            continue
        for name, parts in module.parametrizations.items():
            if isinstance(parts[0], LowRankSum):
                yield f"{prefix}.{name}", parts.original, parts[0]
