"""Fourier neural operator: the lowest waves of a field mixed, beside a pointwise bypass.

arXiv 2010.08895 (Li et al.), with dense weights for each wave that is kept. Layers take
the lead time by a scale and a shift of their channels. Bounded axes are continued by zeros
before a layer's waves are measured, as is usual.
"""

from collections.abc import Iterable
from typing import ClassVar, Literal, NamedTuple

from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn

from matey_core.fields import Grid
from matey_core.models._base import MODELS
from matey_core.models._folded import FoldedConfig, FoldedModel
from matey_core.models._sizes import Preset
from matey_core.nn.recompute import run_block
from matey_core.nn.scaled import add_scaled
from matey_core.nn.spectral import SpectralLayer, Waves


class FnoSizes(NamedTuple):
    """Channels, number of layers, and waves kept along each axis in 1D, 2D and 3D."""

    width: int
    depth: int
    modes: tuple[int, int, int]


FNO_PRESETS: dict[Preset, FnoSizes] = {
    "nano": FnoSizes(8, 2, (12, 8, 4)),
    "micro": FnoSizes(12, 4, (16, 8, 6)),
    "mini": FnoSizes(20, 4, (16, 12, 6)),
    "ti": FnoSizes(32, 4, (16, 12, 8)),
    "s": FnoSizes(64, 4, (24, 16, 8)),
    "b": FnoSizes(128, 4, (32, 16, 8)),
    "l": FnoSizes(192, 6, (48, 20, 8)),
}


@MODELS.register("fno")
class FnoConfig(FoldedConfig):
    """Settings of a Fourier neural operator."""

    sized_by: ClassVar[frozenset[str]] = frozenset(("preset", "width", "depth", "modes"))
    variant: Literal["fno"] = "fno"
    preset: Preset = "ti"
    """Size: nano 8×2 with 8 modes in 2D, micro 12×4 (8), mini 20×4 (12), ti 32×4 (12), s
    64×4 (16), b 128×4 (16), l 192×6 (20)."""
    width: PositiveInt | None = None
    """Channels of every layer, instead of the preset's."""
    depth: PositiveInt | None = None
    """Number of layers, instead of the preset's."""
    modes: PositiveInt | None = None
    """Number of wavenumbers kept along each axis, 0 included, instead of the preset's. A grid with
    fewer wavenumbers keeps all."""

    @property
    def sizes(self) -> FnoSizes:
        """The preset's sizes with the overrides applied."""
        preset = FNO_PRESETS[self.preset]
        modes = preset.modes if self.modes is None else (self.modes,) * 3
        return FnoSizes(self.width or preset.width, self.depth or preset.depth, modes)

    @classmethod
    def tiny(cls) -> "FnoConfig":
        """The smallest settings that still have all parts, for tests."""
        return cls(width=12, depth=2, modes=4)

    def build(self, *, fields: Iterable[str], num_axes: Iterable[int]) -> "FnoModel":
        """Make the model; see `ModelConfig.build`."""
        return FnoModel(self, fields, num_axes)


class FnoModel(FoldedModel):
    """Spectral layers between the common stem and head.

    A layer has spectral weights for each number of axes; all else serves every grid.
    """

    can_recompute: ClassVar[bool] = True
    config: FnoConfig

    def __init__(self, config: FnoConfig, fields: Iterable[str], num_axes: Iterable[int]) -> None:
        width, depth, _ = config.sizes
        super().__init__(config, fields, num_axes, width=width, inner=2 * width)
        self.blocks = nn.ModuleList(
            FnoBlock(width, is_last=number == depth - 1) for number in range(depth)
        )
        for axes in self.num_axes:
            self.add_axes(axes)

    def process(
        self, x: Float[Tensor, "b *space d"], condition: Float[Tensor, "b d"], grid: Grid
    ) -> Float[Tensor, "b *space d"]:
        """Apply all layers; their transforms share one set of matrices."""
        waves = Waves.of(grid, self.config.sizes.modes[grid.num_axes - 1], x.device)
        for block in self.blocks:
            x = run_block(block, x, condition, waves, recompute=self.recompute)
        return x

    def add_axes(self, axes: int) -> None:
        """Give every layer spectral weights for grids of this number of axes."""
        modes = self.config.sizes.modes[axes - 1]
        for block in self.blocks:
            assert isinstance(block, FnoBlock)
            block.add_axes(axes, modes)


class FnoBlock(nn.Module):
    """σ(scale · (K x + W x) + shift), with K of the spectral layer and W pointwise."""

    profile_part: ClassVar[str] = "blocks"

    def __init__(self, width: int, *, is_last: bool) -> None:
        super().__init__()
        self.width, self.is_last = width, is_last
        self.spectral = nn.ModuleDict()
        self.bypass = nn.Linear(width, width)
        self.film = nn.Linear(width, 2 * width)
        nn.init.normal_(self.film.weight, std=0.02)
        nn.init.zeros_(self.film.bias)

    def forward(
        self, x: Float[Tensor, "b *space d"], condition: Float[Tensor, "b d"], waves: Waves
    ) -> Float[Tensor, "b *space d"]:
        """Mix near and far, then act pointwise; the last layer ends without σ."""
        axes = x.ndim - 2
        mixed = self.spectral[str(axes)](x, waves) + self.bypass(x)
        film = self.film(condition).view(len(x), *(1,) * axes, -1)
        scale, shift = film.chunk(2, dim=-1)
        mixed = add_scaled(mixed + shift, mixed, scale)
        return mixed if self.is_last else nn.functional.gelu(mixed)

    def add_axes(self, axes: int, modes: int) -> None:
        """Add spectral weights for grids of this number of axes."""
        layer = SpectralLayer(self.width, axes=axes, modes=modes)
        self.spectral[str(axes)] = layer.to(self.bypass.weight.device)
