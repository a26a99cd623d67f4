"""Blocks of the published AViT: time first, then one attention along each axis, averaged."""

from typing import ClassVar

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from matey_core.kernels import Kernel
from matey_core.models.paper.blocks import EPSILON, LAYER_SCALE, PaperMlp, drop_path
from matey_core.tokens import Segments


class GridNorm(nn.Module):
    """Every channel of every frame standardized over the grid."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Float[Tensor, "m d nd nh nw"]) -> Float[Tensor, "m d nd nh nw"]:
        """Standardize, then scale and shift."""
        return functional.instance_norm(x, weight=self.weight, bias=self.bias, eps=EPSILON)


class GridAttention(nn.Module):
    """Norm, projections and attention along lines of a grid, shared by both halves."""

    profile_part: ClassVar[str] = "attention"

    def __init__(self, width: int, heads: int, kernel: Kernel, rate: float) -> None:
        super().__init__()
        self.num_heads = heads
        self.kernel = kernel
        self.rate = rate
        self.norm1 = GridNorm(width)
        self.norm2 = GridNorm(width)
        self.input_head = nn.Conv3d(width, 3 * width, 1)
        self.output_head = nn.Conv3d(width, width, 1)
        self.qnorm = nn.LayerNorm(width // heads)
        self.knorm = nn.LayerNorm(width // heads)

    def attend(
        self, x: Float[Tensor, "t b d nd nh nw"], axes: tuple[int, ...]
    ) -> Float[Tensor, "t b d nd nh nw"]:
        """Attend along each of `axes` (0 time, 2 depth, 3 height, 4 width) and average.

        Args:
            x: (t, b, d, nd, nh, nw) tokens on their grid.
            axes: axes of (t, b, nd, nh, nw); the same q, k, v serve all of them.
        """
        t = len(x)
        fused = self.input_head(self.norm1(x.flatten(0, 1)))
        q, k, v = rearrange(
            fused,
            "(t b) (h three e) d y x -> three t b d y x h e",
            t=t,
            three=3,
            h=self.num_heads,
        )
        q, k = self.qnorm(q).to(v.dtype), self.knorm(k).to(v.dtype)
        mixed = sum((self._along(axis, q, k, v) for axis in axes), torch.zeros_like(v)) / len(axes)
        grid = rearrange(mixed, "t b d y x h e -> (t b) (h e) d y x")
        return self.output_head(self.norm2(grid)).unflatten(0, (t, -1))

    def _along(self, axis: int, *qkv: Tensor) -> Tensor:
        lines = [part.movedim(axis, 4) for part in qkv]
        shape = lines[0].shape
        segments = Segments.same(shape[:4].numel(), shape[4])
        q, k, v = (part.flatten(0, 4) for part in lines)
        return self.kernel(q, k, v, segments).view(shape).movedim(4, axis)


class GridTimeBlock(GridAttention):
    """Attention over time at every site of the grid; no pointwise network."""

    def __init__(self, width: int, heads: int, kernel: Kernel, *, rate: float = 0.0) -> None:
        super().__init__(width, heads, kernel, rate)
        self.gamma = nn.Parameter(torch.full((width,), LAYER_SCALE))

    def forward(
        self, x: Float[Tensor, "t b d nd nh nw"], lead: Float[Tensor, "b d"] | None
    ) -> Float[Tensor, "t b d nd nh nw"]:
        """Let the frames of every site exchange what they hold.

        Args:
            x: (t, b, d, nd, nh, nw) tokens.
            lead: (b, d) embedded lead time, in the first block.
        """
        branch = self.attend(x, (0,))
        if lead is not None:
            branch = branch + lead[..., None, None, None]
        branch = self.gamma[:, None, None, None] * branch
        if self.training and self.rate:
            branch = drop_path(branch, self.rate, (len(x), 1, 1, 1, 1, 1))
        return x + branch


class PaperAxialBlock(GridAttention):
    """Attention along width, height and depth with shared q, k, v; then a pointwise network."""

    def __init__(self, width: int, heads: int, kernel: Kernel, *, rate: float = 0.0) -> None:
        super().__init__(width, heads, kernel, rate)
        self.gamma_att = nn.Parameter(torch.full((width,), LAYER_SCALE))
        self.gamma_mlp = nn.Parameter(torch.full((width,), LAYER_SCALE))
        self.mlp = PaperMlp(width, width)
        self.mlp_norm = GridNorm(width)

    def forward(self, x: Float[Tensor, "t b d nd nh nw"]) -> Float[Tensor, "t b d nd nh nw"]:
        """Let every token see its row, its column and, in 3D, its pillar."""
        axes = (4, 3, 2) if x.shape[3] > 1 else (4, 3)
        x = x + self._scaled(self.gamma_att, self.attend(x, axes))
        inner = self.mlp(x.movedim(2, -1)).movedim(-1, 2)
        normed = self.mlp_norm(inner.flatten(0, 1)).unflatten(0, x.shape[:2])
        return x + self._scaled(self.gamma_mlp, normed)

    def _scaled(self, gamma: Tensor, branch: Tensor) -> Tensor:
        branch = gamma[:, None, None, None] * branch
        if not self.training or not self.rate:
            return branch
        return drop_path(branch, self.rate, (*branch.shape[:2], 1, 1, 1, 1))
