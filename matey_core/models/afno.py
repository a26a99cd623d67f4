"""Adaptive Fourier mixer: one small network for all waves, with channels in blocks.

The model of DPOT (arXiv 2403.03542), whose mixer is that of arXiv 2111.13587: tokens are carried to
waves, a network of two layers acts on every wave alike, block by block of channels, and the waves
are carried back. Before that, a matrix for each frame and a wave in time for each channel make one
frame of all. Since the network acts on real and imaginary parts, moved fields are not answered
moved. Bounded axes are continued by zeros before they are transformed. The lead time is added to
the tokens; the paper predicts the next frame alone.
"""

import math
from collections.abc import Iterable
from typing import ClassVar, Literal, NamedTuple

from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn

from matey_core.errors import ConfigError
from matey_core.models._base import MODELS
from matey_core.models._patched import PatchedConfig, PatchedModel
from matey_core.models._sizes import Preset
from matey_core.nn.patches import PatchHead, PatchStem
from matey_core.nn.recompute import run_block
from matey_core.nn.wave_mixer import FrameSum, WaveMixer

GROUPS = 8
"""Of channels that are normalized together."""


class AfnoSizes(NamedTuple):
    """Width of a token, blocks, blocks of channels, and inner by outer width of a network."""

    width: int
    depth: int
    blocks: int
    ratio: int


AFNO_PRESETS: dict[Preset, AfnoSizes] = {
    "nano": AfnoSizes(32, 2, 4, 1),
    "micro": AfnoSizes(64, 3, 4, 1),
    "mini": AfnoSizes(128, 4, 4, 1),
    "ti": AfnoSizes(512, 4, 4, 1),
    "s": AfnoSizes(1024, 6, 8, 1),
    "b": AfnoSizes(1024, 12, 8, 4),
    "l": AfnoSizes(1536, 24, 16, 4),
}


@MODELS.register("afno")
class AfnoConfig(PatchedConfig):
    """Settings of an adaptive Fourier mixer."""

    sized_by: ClassVar[frozenset[str]] = frozenset(("preset", "width", "depth"))
    variant: Literal["afno"] = "afno"
    preset: Preset = "ti"
    """Size: nano 32×2, micro 64×3, mini 128×4, and DPOT's ti 512×4, s 1024×6, b 1024×12 (their
    medium), l 1536×24 (width × blocks)."""
    width: PositiveInt | None = None
    """Width of a token, instead of the preset's; a multiple of 8 and of the blocks of channels."""
    depth: PositiveInt | None = None
    """Number of blocks, instead of the preset's."""
    frames: PositiveInt = 10
    """Number of frames of the longest history that the model can read."""

    @property
    def sizes(self) -> AfnoSizes:
        """The preset's sizes with the overrides applied."""
        preset = AFNO_PRESETS[self.preset]
        width, depth = self.width or preset.width, self.depth or preset.depth
        return AfnoSizes(width, depth, preset.blocks, preset.ratio)

    @classmethod
    def tiny(cls) -> "AfnoConfig":
        """The smallest settings that still have all parts, for tests."""
        return cls(preset="nano", width=16, depth=2, patch=4)

    def build(self, *, fields: Iterable[str], num_axes: Iterable[int]) -> "AfnoModel":
        """Make the model; see `ModelConfig.build`.

        Raises:
            ConfigError: groups or blocks do not share the width.
        """
        width, _, blocks, _ = self.sizes
        unit = math.lcm(GROUPS, blocks)
        if width % unit:
            raise ConfigError(
                f"model.width = {width} is no multiple of {unit}: {GROUPS} groups of channels are "
                f"normalized together, and {blocks} blocks of them are mixed.",
                remedy=f"Set model.width={-(-width // unit) * unit}.",
            )
        return AfnoModel(self, fields, num_axes)


class AfnoModel(PatchedModel):
    """One frame made of all, and blocks that mix its waves; they serve every number of axes."""

    can_recompute: ClassVar[bool] = True
    config: AfnoConfig

    def __init__(self, config: AfnoConfig, fields: Iterable[str], num_axes: Iterable[int]) -> None:
        sizes = config.sizes
        points = min(32, max(8, sizes.width // 4))  # 32 are published
        super().__init__(
            config,
            fields,
            num_axes,
            stem=PatchStem((points, sizes.width, sizes.width), (config.patch, 1)),
            head=PatchHead((sizes.width, points, points), (config.patch, 1)),
        )
        self.frames = FrameSum(sizes.width, config.frames)
        self.blocks = nn.ModuleList(AfnoBlock(sizes) for _ in range(sizes.depth))

    def process(
        self,
        tokens: Float[Tensor, "b t *tokens d"],
        lead: Float[Tensor, "b *ones d"],
        periodic: tuple[bool, ...],
    ) -> Float[Tensor, "b *tokens d"]:
        """Sum the frames up, then apply all blocks."""
        x = self.frames(tokens) + lead
        for block in self.blocks:
            x = run_block(block, x, periodic, recompute=self.recompute)
        return x


class AfnoBlock(nn.Module):
    """Waves mixed, then a pointwise network; both beside what enters, after a group norm."""

    profile_part: ClassVar[str] = "blocks"

    def __init__(self, sizes: AfnoSizes) -> None:
        super().__init__()
        width = sizes.width
        self.norm = nn.GroupNorm(GROUPS, width)
        self.mixer = WaveMixer(width, sizes.blocks)
        self.mlp_norm = nn.GroupNorm(GROUPS, width)
        self.enter = nn.Linear(width, sizes.ratio * width)
        self.leave = nn.Linear(sizes.ratio * width, width)

    def forward(
        self, x: Float[Tensor, "b *tokens d"], periodic: tuple[bool, ...]
    ) -> Float[Tensor, "b *tokens d"]:
        """Mix far tokens, then act on each."""
        seen = _normalized(self.norm, x)
        x = x + seen + self.mixer(seen, periodic)
        inner = nn.functional.gelu(self.enter(_normalized(self.mlp_norm, x)))
        return x + self.leave(inner).float()


def _normalized(norm: nn.GroupNorm, x: Float[Tensor, "b *tokens d"]) -> Tensor:
    return norm(x.movedim(-1, 1)).movedim(1, -1)
