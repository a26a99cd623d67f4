"""Operator transformer: linear attention over points, and a decoder that is asked at places.

arXiv 2205.13671 (Li et al.). The encoder's attention is of Galerkin type: keys and values are
standardized over the points, and no softmax stands between them, so the cost grows with the number
of points and not with its square. Queries and keys are rotated by their position. The decoder's
queries know nothing but their place; a pointwise network carries what they find ahead in time.
It is told the lead time, where the paper's is applied once for every frame.
"""

import math
from collections.abc import Iterable
from typing import ClassVar, Literal

from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn

from matey_core.errors import ConfigError
from matey_core.fields import Grid
from matey_core.models._base import MODELS
from matey_core.models._folded import FoldedConfig, FoldedModel
from matey_core.models._sizes import Preset, Sizes
from matey_core.nn.coordinates import Coordinates
from matey_core.nn.folded import FoldedHead
from matey_core.nn.linear_attention import LinearAttention, Turns, turns
from matey_core.nn.mlp import Mlp
from matey_core.nn.recompute import run_block
from matey_core.nn.scaled import add_scaled

OFORMER_PRESETS: dict[Preset, Sizes] = {
    "nano": Sizes(16, 2, 1),
    "micro": Sizes(32, 3, 1),
    "mini": Sizes(48, 4, 1),
    "ti": Sizes(96, 5, 1),
    "s": Sizes(192, 5, 2),
    "b": Sizes(384, 6, 4),
    "l": Sizes(768, 8, 8),
}


@MODELS.register("oformer")
class OformerConfig(FoldedConfig):
    """Settings of an operator transformer."""

    sized_by: ClassVar[frozenset[str]] = frozenset(("preset", "width", "depth", "heads"))
    variant: Literal["oformer"] = "oformer"
    preset: Preset = "ti"
    """Size: nano 16×2, micro 32×3, mini 48×4, ti 96×5 (the paper's for Navier–Stokes), s 192×5,
    b 384×6, l 768×8 (channels of the encoder × its layers)."""
    width: PositiveInt | None = None
    """Channels of the encoder, instead of the preset's; the decoder has twice as many."""
    depth: PositiveInt | None = None
    """Layers of the encoder, instead of the preset's."""
    heads: PositiveInt | None = None
    """Attention heads, instead of the preset's."""

    @property
    def sizes(self) -> Sizes:
        """The preset's sizes with the overrides applied."""
        return OFORMER_PRESETS[self.preset].overridden(self)

    @classmethod
    def tiny(cls) -> "OformerConfig":
        """The smallest settings that still have all parts, for tests."""
        return cls(width=12, depth=2, heads=1)

    def build(self, *, fields: Iterable[str], num_axes: Iterable[int]) -> "OformerModel":
        """Make the model; see `ModelConfig.build`.

        Raises:
            ConfigError: the heads do not share the width in even parts.
        """
        width, _, heads = self.sizes
        if width % (2 * heads):
            raise ConfigError(
                f"model.width = {width} is no multiple of 2 · {heads} (model.heads): every head "
                "turns pairs of channels.",
                remedy=f"Set model.width={math.ceil(width / 2 / heads) * 2 * heads}.",
            )
        return OformerModel(self, fields, num_axes)


class OformerModel(FoldedModel):
    """Encoder over points, decoder over places; all weights serve every number of axes."""

    can_recompute: ClassVar[bool] = True
    config: OformerConfig

    def __init__(
        self, config: OformerConfig, fields: Iterable[str], num_axes: Iterable[int]
    ) -> None:
        width, depth, heads = config.sizes
        super().__init__(config, fields, num_axes, width=width, inner=2 * width)
        self.head = FoldedHead(2 * width, 2 * width)
        self.layers = nn.ModuleList(EncoderLayer(width, heads) for _ in range(depth))
        self.places = Coordinates(2 * width)
        self.query = nn.Linear(2 * width, 2 * width)
        self.widen = nn.Linear(width, 2 * width)
        self.cross = LinearAttention(2 * width, heads)
        self.film = nn.Linear(width, 4 * width)
        nn.init.normal_(self.film.weight, std=0.02)
        nn.init.zeros_(self.film.bias)
        self.ahead = Mlp(2 * width, ratio=2)

    def process(
        self, x: Float[Tensor, "b *space d"], condition: Float[Tensor, "b d"], grid: Grid
    ) -> Float[Tensor, "b *space e"]:
        """Encode all points, ask at every place, and carry the answers ahead in time."""
        shape, (width, _, heads) = grid.shape, self.config.sizes
        points = x.flatten(1, -2)
        near = turns(grid, width // heads, x.device)
        for layer in self.layers:
            points = run_block(layer, points, near, recompute=self.recompute)
        query = self.query(nn.functional.gelu(self.places(grid))).flatten(0, -2).unsqueeze(0)
        wide = turns(grid, 2 * width // heads, x.device)
        found = query + self.cross(query, self.widen(points), wide)
        scale, shift = self.film(condition).unsqueeze(1).chunk(2, dim=-1)
        found = found + self.ahead(add_scaled(found + shift, found, scale))
        return found.unflatten(1, shape)

    def add_axes(self, axes: int) -> None:
        """Do nothing: points are points on any number of axes."""


class EncoderLayer(nn.Module):
    """Linear attention among all points, then a pointwise network."""

    profile_part: ClassVar[str] = "blocks"

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = LinearAttention(width, heads)
        self.mlp = Mlp(width, ratio=2)

    def forward(self, x: Float[Tensor, "b n d"], near: Turns) -> Float[Tensor, "b n d"]:
        """Add what the points tell each other, and what each makes of it."""
        x = x + self.attention(x, x, near)
        return x + self.mlp(x).float()
