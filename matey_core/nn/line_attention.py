"""Attention along lines of one axis, with biases of distances in buckets (arXiv 2310.02994)."""

import math
from collections.abc import Sequence
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from matey_core.nn.patches import over_size

LAYER_SCALE = 0.1
"""Of every branch at first. Published is 1e-6, which keeps them silent for thousands of steps."""
BUCKETS, FARTHEST = 32, 32
"""Buckets of distances, half of them for either sign; those beyond the farthest share one."""


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
