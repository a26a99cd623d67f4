"""Axial vision transformer: tokens see their own times, then their own lines.

The model of Multiple Physics Pretraining (arXiv 2310.02994). Fields are embedded by vectors of
their own and summed; every block has attention in time, attention along each axis of space, which
is averaged over the axes, and a pointwise network. Attention knows relative positions by
logarithmic buckets, and a periodic axis has no seam. The lead time is added to the tokens; the
paper predicts the next frame alone.
"""

import math
from collections.abc import Iterable
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn

from matey_core.errors import ConfigError
from matey_core.models._base import MODELS
from matey_core.models._patched import PatchedConfig, PatchedModel
from matey_core.models._sizes import PRESETS, Preset, Sizes
from matey_core.nn.factors import stage_factors
from matey_core.nn.line_attention import LAYER_SCALE, LineAttention, SpaceNorm
from matey_core.nn.mlp import Mlp
from matey_core.nn.patches import PatchHead, PatchStem
from matey_core.nn.recompute import run_block


@MODELS.register("avit")
class AvitConfig(PatchedConfig):
    """Settings of an axial vision transformer."""

    sized_by: ClassVar[frozenset[str]] = frozenset(("preset", "width", "depth", "heads"))
    variant: Literal["avit"] = "avit"
    preset: Preset = "ti"
    """Size: nano 32×2, micro 64×4, mini 128×6, and as published ti 192×12, s 384×12, b 768×12,
    l 1024×24 (width × blocks)."""
    width: PositiveInt | None = None
    """Width of a token, instead of the preset's."""
    depth: PositiveInt | None = None
    """Number of blocks, instead of the preset's."""
    heads: PositiveInt | None = None
    """Attention heads, instead of the preset's."""

    @property
    def sizes(self) -> Sizes:
        """The preset's sizes with the overrides applied."""
        return PRESETS[self.preset].overridden(self)

    @classmethod
    def tiny(cls) -> "AvitConfig":
        """The smallest settings that still have all parts, for tests."""
        return cls(width=48, depth=2, heads=2, patch=4)

    def build(self, *, fields: Iterable[str], num_axes: Iterable[int]) -> "AvitModel":
        """Make the model; see `ModelConfig.build`.

        Raises:
            ConfigError: the width is no multiple of 4 and of the heads.
        """
        width, _, heads = self.sizes
        unit = math.lcm(4, heads)
        if width % unit:
            raise ConfigError(
                f"model.width = {width} is no multiple of {unit}: points have a quarter of a "
                f"token's channels, and model.heads = {heads} share them.",
                remedy=f"Set model.width={-(-width // unit) * unit}.",
            )
        return AvitModel(self, fields, num_axes)


class AvitModel(PatchedModel):
    """Blocks of attention in time and along axes; they serve every number of axes."""

    can_recompute: ClassVar[bool] = True
    config: AvitConfig

    def __init__(self, config: AvitConfig, fields: Iterable[str], num_axes: Iterable[int]) -> None:
        width, depth, heads = config.sizes
        sides = stage_factors(config.patch)[::-1]
        points = (width // 4,) * 3
        super().__init__(
            config,
            fields,
            num_axes,
            stem=PatchStem((*points, width), sides, has_norms=True),
            head=PatchHead((width, *points), sides[::-1]),
        )
        self.blocks = nn.ModuleList(AvitBlock(width, heads) for _ in range(depth))

    def process(
        self,
        tokens: Float[Tensor, "b t *tokens d"],
        lead: Float[Tensor, "b *ones d"],
        periodic: tuple[bool, ...],
    ) -> Float[Tensor, "b *tokens d"]:
        """Apply all blocks to all frames, and give the last one's tokens."""
        tokens = tokens + lead.unsqueeze(1)
        for block in self.blocks:
            tokens = run_block(block, tokens, periodic, recompute=self.recompute)
        return tokens[:, -1]


class AvitBlock(nn.Module):
    """Attention in time, attention along the axes of space, and a pointwise network."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.time = LineAttention(width, heads)
        self.space = LineAttention(width, heads)
        self.mlp = Mlp(width)
        self.mlp_norm = SpaceNorm(width)
        self.mlp_scale = nn.Parameter(torch.full((width,), LAYER_SCALE))

    def forward(
        self, x: Float[Tensor, "b t *tokens d"], periodic: tuple[bool, ...]
    ) -> Float[Tensor, "b t *tokens d"]:
        """Add what each branch says."""
        x = x + self.time(x, {1: False})
        x = x + self.space(x, dict(enumerate(periodic, start=2)))
        return x + self.mlp_scale * self.mlp_norm(self.mlp(x))
