"""The pyramid: blocks at full and half resolution that see across the borders of all cells."""

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn

from matey_core.fields import Grid
from matey_core.models.pyramid.earlier import flatten_kernels
from matey_core.models.pyramid.settings import PyramidSettings
from matey_core.nn.global_context import GlobalContext
from matey_core.nn.padding import surround
from matey_core.nn.recompute import run_block
from matey_core.nn.resolution import CONVOLUTIONS, Doubling, Halving
from matey_core.nn.scaled import add_scaled
from matey_core.nn.spectral import SpectralLayer, Waves

SIDE = 3
"""Points of a kernel along each axis."""
REACH = SIDE // 2
"""Points of a kernel on either side of its middle."""


class Context(NamedTuple):
    """What all blocks know of a forward pass."""

    condition: Float[Tensor, "b k"]
    """Embedded lead time; behind the first block, with the sample's global context."""
    periodic: tuple[bool, ...]
    """Which axes wrap around."""
    waves: Waves | None
    """The waves of the grid, as far as the first convolution of a block sees beyond it; None
    without spectral layers."""


class ConvBlock(nn.Module):
    """x + C₂ σ(scale · (C₁ x + S x) + shift): convolutions, and a spectral layer or none.

    Both convolutions are dense: at these widths a processor computes them faster than
    depthwise ones. The grid is continued once for both. Between them numbers are float32 also
    inside autocast, because sums of two types are slow. Kernels are kept as matrices, which the
    optimizer `muon` treats as such.
    """

    profile_part: ClassVar[str] = "blocks"

    def __init__(self, width: int, *, condition: int, has_waves: bool) -> None:
        """Make a block without kernels: `add_axes` adds them.

        Args:
            width: channels.
            condition: channels of the condition.
            has_waves: whether the block mixes the grid's lowest waves as well.
        """
        super().__init__()
        self.width, self.has_waves = width, has_waves
        self.enter = nn.ParameterDict()
        self.leave = nn.ParameterDict()
        self.spectral = nn.ModuleDict()
        self.bias = nn.Parameter(torch.zeros(width))
        self.film = nn.Linear(condition, 2 * width)
        nn.init.normal_(self.film.weight, std=0.02)
        nn.init.zeros_(self.film.bias)
        nn.Module.register_load_state_dict_pre_hook(self, flatten_kernels)

    def forward(
        self, x: Float[Tensor, "b *space d"], context: Context
    ) -> Float[Tensor, "b *space d"]:
        """Convolve twice, and mix the lowest waves beside the first convolution."""
        condition, periodic, waves = context
        axes = x.ndim - 2
        convolve = CONVOLUTIONS[axes]
        around = surround(_as_computed(x).movedim(-1, 1), 2 * REACH, periodic=periodic)
        seen = convolve(around, self._kernel(self.enter[str(axes)], axes)).float()
        if waves is not None and self.has_waves:
            seen = seen + self.spectral[str(axes)](x, waves).movedim(-1, 1)
        film = self.film(condition).float().view(len(x), -1, *(1,) * axes)
        scale, shift = film.chunk(2, dim=1)
        seen = nn.functional.gelu(add_scaled(shift, seen, 1 + scale))
        change = convolve(seen, self._kernel(self.leave[str(axes)], axes), self.bias)
        return x + change.movedim(1, -1).float()

    def _kernel(self, matrix: Float[Tensor, "d _fan"], axes: int) -> Float[Tensor, "d d *side"]:
        return matrix.view(self.width, self.width, *(SIDE,) * axes)

    def add_axes(self, axes: int, waves: int) -> None:
        """Add kernels for grids of this number of axes, and spectral weights of so many waves."""
        fan = self.width * SIDE**axes
        for kernels, gain in ((self.enter, 2.0), (self.leave, 0.5)):
            kernel = torch.randn(self.width, fan) * (gain / fan) ** 0.5
            kernels[str(axes)] = nn.Parameter(kernel.to(self.bias.device))
        if self.has_waves and waves:
            layer = SpectralLayer(self.width, axes=axes, modes=waves)
            self.spectral[str(axes)] = layer.to(self.bias.device)


def _as_computed(x: Tensor) -> Tensor:
    """Round to what convolutions compute with inside autocast, before anything is copied."""
    kind = x.device.type
    return x.to(torch.get_autocast_dtype(kind)) if torch.is_autocast_enabled(kind) else x


class Pyramid(nn.Module):
    """Two resolutions, each with blocks; what is far enters at the full one, on the way down."""

    def __init__(self, config: PyramidSettings) -> None:
        super().__init__()
        self.config = config
        channels, half_blocks = config.dimensions[:2]
        self.down = ConvBlock(channels, condition=channels, has_waves=True)
        self.coarse = nn.ModuleList(
            ConvBlock(2 * channels, condition=channels, has_waves=False) for _ in range(half_blocks)
        )
        self.up = ConvBlock(channels, condition=channels, has_waves=True)
        self.halving, self.doubling = Halving(channels), Doubling(channels)
        self.sample = GlobalContext(channels) if config.global_context else None

    def context(self, condition: Float[Tensor, "b k"], grid: Grid) -> Context:
        """Collect what all blocks need of the embedded lead time and the grid."""
        number = self.config.waves_on(grid.num_axes)
        waves = Waves.of(grid, number, condition.device, beyond=REACH) if number else None
        return Context(condition, grid.periodic, waves)

    def before_tokens(
        self, x: Float[Tensor, "b *space d"], context: Context, *, recompute: bool
    ) -> Float[Tensor, "b *space d"]:
        """Compute the features that tokens are read from."""
        return run_block(self.down, x, context, recompute=recompute)

    def after_tokens(
        self, x: Float[Tensor, "b *space d"], context: Context, *, recompute: bool
    ) -> Float[Tensor, "b *space d"]:
        """Go down to half the resolution, and up again beside what was there."""
        if self.sample is not None:
            context = context._replace(condition=context.condition + self.sample(x))
        half = self.halving(x, context.periodic)
        for block in self.coarse:
            half = run_block(block, half, context, recompute=recompute)
        return run_block(self.up, self.doubling(half, x), context, recompute=recompute)

    def blocks(self) -> Iterator[ConvBlock]:
        """All convolutional blocks."""
        return (part for part in self.modules() if isinstance(part, ConvBlock))

    def add_axes(self, axes: int) -> None:
        """Give every part weights for grids of this number of axes."""
        for block in self.blocks():
            block.add_axes(axes, self.config.waves_on(axes))
        self.halving.add_axes(axes)
        self.doubling.add_axes(axes)
