"""U-Net of ConvNeXt blocks: four levels, each at half the resolution of the one above.

The network of arXiv 1505.04597 with the blocks of arXiv 2201.03545, as The Well
(arXiv 2412.00568) trains it. Convolutions continue fields as the boundary says. Blocks are
conditioned on the lead time by a scale and a shift of their channels.
"""

from collections.abc import Iterable
from typing import ClassVar, Literal, NamedTuple

import torch
from jaxtyping import Float
from pydantic import PositiveInt, field_validator
from torch import Tensor, nn

from matey_core.fields import Grid
from matey_core.models._base import MODELS
from matey_core.models._folded import FoldedConfig, FoldedModel
from matey_core.models._sizes import Preset
from matey_core.nn.padding import surround
from matey_core.nn.recompute import run_block
from matey_core.nn.resolution import CONVOLUTIONS, Doubling, Halving
from matey_core.nn.scaled import add_scaled


class UnetSizes(NamedTuple):
    """Channels of the finest level, each coarser one has twice as many, and blocks a level."""

    width: int
    depth: int


UNET_PRESETS: dict[Preset, UnetSizes] = {
    "nano": UnetSizes(8, 1),
    "micro": UnetSizes(12, 1),
    "mini": UnetSizes(20, 1),
    "ti": UnetSizes(32, 1),
    "s": UnetSizes(64, 2),
    "b": UnetSizes(128, 2),
    "l": UnetSizes(192, 3),
}


@MODELS.register("unet")
class UnetConfig(FoldedConfig):
    """Settings of a U-Net of ConvNeXt blocks."""

    sized_by: ClassVar[frozenset[str]] = frozenset(("preset", "width", "depth"))
    variant: Literal["unet"] = "unet"
    preset: Preset = "ti"
    """Size: nano 8×1, micro 12×1, mini 20×1, ti 32×1, s 64×2, b 128×2, l 192×3 (channels of the
    finest level × blocks a level)."""
    width: PositiveInt | None = None
    """Channels of the finest level, instead of the preset's."""
    depth: PositiveInt | None = None
    """Blocks of each level, down and up, instead of the preset's."""
    levels: PositiveInt = 4
    """Number of resolutions, each half the one above."""
    kernel_size: PositiveInt = 7
    """Number of points of a convolution's kernel along each axis; odd."""

    @field_validator("kernel_size")
    @classmethod
    def _check_odd(cls, value: int) -> int:
        if value % 2 == 0:
            raise ValueError(f"must be odd, so that a convolution has a middle; not {value}")
        return value

    @property
    def sizes(self) -> UnetSizes:
        """The preset's sizes with the overrides applied."""
        preset = UNET_PRESETS[self.preset]
        return UnetSizes(self.width or preset.width, self.depth or preset.depth)

    @classmethod
    def tiny(cls) -> "UnetConfig":
        """The smallest settings that still have all parts, for tests."""
        return cls(width=8, depth=1, levels=3, kernel_size=3)

    def build(self, *, fields: Iterable[str], num_axes: Iterable[int]) -> "UnetModel":
        """Make the model; see `ModelConfig.build`."""
        return UnetModel(self, fields, num_axes)


class UnetModel(FoldedModel):
    """Levels of blocks between the common stem and head.

    Convolutions and changes of resolution have weights for each number of axes; all else
    serves every grid. An axis of odd length is halved after repeating its last point, or its
    first where it is periodic; so any grid will do.
    """

    can_recompute: ClassVar[bool] = True
    config: UnetConfig

    def __init__(self, config: UnetConfig, fields: Iterable[str], num_axes: Iterable[int]) -> None:
        width, depth = config.sizes
        super().__init__(config, fields, num_axes, width=width, inner=2 * width)
        widths = [width * 2**level for level in range(config.levels)]
        self.down = nn.ModuleList(self._stage(each, depth) for each in widths)
        self.up = nn.ModuleList(self._stage(each, depth) for each in widths[:-1])
        self.halvings = nn.ModuleList(Halving(fine) for fine in widths[:-1])
        self.doublings = nn.ModuleList(Doubling(fine) for fine in widths[:-1])
        for axes in self.num_axes:
            self.add_axes(axes)

    def process(
        self, x: Float[Tensor, "b *space d"], condition: Float[Tensor, "b d"], grid: Grid
    ) -> Float[Tensor, "b *space d"]:
        """Go down through all levels, and up again beside what was seen on the way."""
        seen = []
        for level, stage in enumerate(self.down):
            if level:
                seen.append(x)
                x = self.halvings[level - 1](x, grid.periodic)
            x = self._run(stage, x, condition, grid)
        for level in reversed(range(len(seen))):
            x = self.doublings[level](x, seen[level])
            x = self._run(self.up[level], x, condition, grid)
        return x

    def add_axes(self, axes: int) -> None:
        """Give every convolution weights for grids of this number of axes."""
        for part in self.modules():
            if isinstance(part, (ConvNextBlock, Halving, Doubling)):
                part.add_axes(axes)

    def _stage(self, width: int, depth: int) -> nn.ModuleList:
        return nn.ModuleList(
            ConvNextBlock(width, self.config, condition=self.config.sizes.width)
            for _ in range(depth)
        )

    def _run(self, stage: nn.Module, x: Tensor, condition: Tensor, grid: Grid) -> Tensor:
        assert isinstance(stage, nn.ModuleList)
        for block in stage:
            x = run_block(block, x, condition, grid.periodic, recompute=self.recompute)
        return x


class ConvNextBlock(nn.Module):
    """x + MLP(scale · norm(depthwise convolution of x) + shift)."""

    profile_part: ClassVar[str] = "blocks"

    def __init__(self, width: int, config: UnetConfig, *, condition: int) -> None:
        """Make a block without convolutions: `add_axes` adds them.

        Args:
            width: channels.
            config: names the size of the convolutions.
            condition: channels of the condition.
        """
        super().__init__()
        self.width, self.kernel_size = width, config.kernel_size
        self.kernels = nn.ParameterDict()
        self.film = nn.Linear(condition, 2 * width)
        nn.init.normal_(self.film.weight, std=0.02)
        nn.init.zeros_(self.film.bias)
        self.enter = nn.Linear(width, 4 * width)
        self.leave = nn.Linear(4 * width, width)

    def forward(
        self,
        x: Float[Tensor, "b *space d"],
        condition: Float[Tensor, "b k"],
        periodic: tuple[bool, ...],
    ) -> Float[Tensor, "b *space d"]:
        """Look around on the grid, channel by channel, then act pointwise."""
        axes = x.ndim - 2
        around = surround(x.movedim(-1, 1), self.kernel_size // 2, periodic=periodic)
        seen = CONVOLUTIONS[axes](around, self.kernels[str(axes)], groups=self.width)
        seen = nn.functional.layer_norm(seen.movedim(1, -1), (self.width,))
        film = self.film(condition).view(len(x), *(1,) * axes, -1)
        scale, shift = film.chunk(2, dim=-1)
        seen = add_scaled(seen + shift, seen, scale)
        return x + self.leave(nn.functional.gelu(self.enter(seen)))

    def add_axes(self, axes: int) -> None:
        """Add a convolution for grids of this number of axes."""
        points = self.kernel_size**axes
        kernel = torch.randn(self.width, 1, *(self.kernel_size,) * axes) / points**0.5
        self.kernels[str(axes)] = nn.Parameter(kernel.to(self.enter.weight.device))
