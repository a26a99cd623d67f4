"""Axial vision transformer: tokens see their own times, then their own lines.

The model of Multiple Physics Pretraining (arXiv 2310.02994). Fields are embedded by vectors of
their own and summed; every block has attention in time, attention along each axis of space, which
is averaged over the axes, and a pointwise network. Attention knows relative positions by
logarithmic buckets, and a periodic axis has no seam. The lead time is added to the tokens; the
paper predicts the next frame alone.
"""

import math
from collections.abc import Iterable, Sequence
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
from matey_core.nn.mlp import Mlp
from matey_core.nn.patches import PatchHead, PatchStem, over_size
from matey_core.nn.recompute import run_block

LAYER_SCALE = 0.1
"""Of every branch at first. Published is 1e-6, which keeps them silent for thousands of steps."""
BUCKETS, FARTHEST = 32, 32
"""Buckets of distances, half of them for either sign; those beyond the farthest share one."""


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
        preset = PRESETS[self.preset]
        return Sizes(
            self.width or preset.width, self.depth or preset.depth, self.heads or preset.heads
        )

    @property
    def label(self) -> str:
        """Preset, width × blocks and variant."""
        return f"{self.preset} ({self.sizes.width}×{self.sizes.depth}, {self.variant})"

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


class LineAttention(nn.Module):
    """Attention along lines of one axis at a time, averaged over axes, with norms around it."""

    profile_part: ClassVar[str] = "attention"

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm = SpaceNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.query_norm = nn.LayerNorm(width // heads)
        self.key_norm = nn.LayerNorm(width // heads)
        self.distance = nn.Embedding(BUCKETS, heads)
        nn.init.normal_(self.distance.weight, std=0.02)
        self.mixed_norm = SpaceNorm(width)
        self.out = nn.Linear(width, width)
        self.scale = nn.Parameter(torch.full((width,), LAYER_SCALE))

    def forward(
        self, x: Float[Tensor, "b t *tokens d"], along: dict[int, bool]
    ) -> Float[Tensor, "b t *tokens d"]:
        """Let tokens read their lines.

        Args:
            x: tokens of every frame.
            along: axis of `x` -> whether it wraps around.
        """
        q, k, v = self.qkv(self.norm(x)).unflatten(-1, (3, self.heads, -1)).unbind(-3)
        q, k = self.query_norm(q).to(v.dtype), self.key_norm(k).to(v.dtype)
        found = [self._along(axis, wraps, (q, k, v)) for axis, wraps in along.items()]
        mixed = sum(found[1:], start=found[0]) / len(found)
        return self.scale * self.out(self.mixed_norm(mixed.flatten(-2)))

    def _along(
        self, axis: int, wraps: bool, heads: Sequence[Float[Tensor, "*rows h e"]]
    ) -> Float[Tensor, "*rows h e"]:
        lines = [part.movedim(axis, -2) for part in heads]  # (b, other axes, h, n, e)
        outer, tokens = lines[0].shape[:-3], lines[0].shape[-2]
        q, k, v = (part.reshape(-1, *part.shape[-3:]) for part in lines)
        # Fused kernels differ with and without gradients of the bias, in the last digits.
        scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5 + self._bias(tokens, wraps)
        mixed = scores.softmax(-1).to(v.dtype) @ v
        return mixed.unflatten(0, outer).movedim(-2, axis)

    def _bias(self, tokens: int, wraps: bool) -> Float[Tensor, "h n n"]:
        place = torch.arange(tokens, device=self.out.weight.device)
        distance = place - place.unsqueeze(1)
        if wraps:
            distance = (distance + tokens // 2) % tokens - tokens // 2
        return self.distance(bucket_of(distance)).movedim(-1, 0)


class SpaceNorm(nn.Module):
    """Every channel divided by its root mean square over the tokens of a frame."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Float[Tensor, "b t *tokens d"]) -> Float[Tensor, "b t *tokens d"]:
        """Scale the frames, in float32."""
        scaled = over_size(x.flatten(0, 1)).view(x.shape)
        return scaled * self.weight + self.bias


def bucket_of(distance: Tensor) -> Tensor:
    """Number the buckets of whole distances: near ones have their own, far ones share them."""
    half, near = BUCKETS // 2, BUCKETS // 4
    size = distance.abs()
    far = (size.clamp(min=near) / near).log() / math.log(FARTHEST / near) * (half - near)
    number = torch.where(size < near, size, (near + far.long()).clamp(max=half - 1))
    return number + half * (distance > 0)
