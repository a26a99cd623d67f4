"""Blocks of the published ViT and SViT on packed sequences, with instance norms."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn

from matey_core.kernels import Kernel
from matey_core.models.paper.patches import Triple
from matey_core.tokens import Segments

EPSILON = 1e-5
LAYER_SCALE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperLayout:
    """How the cells of a batch form sequences."""

    segments: Segments
    """One sequence of cells a sample or, in a local pass, a refined cell."""
    grid: Triple | None = None
    """Cells per axis where every sequence is a whole grid in raster order."""
    is_mixed: bool = False
    """Coarse and fine cells share a sequence: blocks use their second set of norms."""


class PaperMlp(nn.Module):
    """Linear, GELU, Linear, on the last axis."""

    profile_part: ClassVar[str] = "mlp"

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(inputs, 4 * width)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Float[Tensor, "*rows i"]) -> Float[Tensor, "*rows d"]:
        """Transform every row on its own."""
        return self.fc2(self.act(self.fc1(x)))


class InstanceNorm(nn.Module):
    """Every channel standardized over the rows of its sequence (biased variance)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Float[Tensor, "g n d"], segments: Segments) -> Float[Tensor, "g n d"]:
        """Standardize each of `g` groups of packed sequences, then scale and shift."""
        return standardize(x, segments) * self.weight + self.bias


class MixedNorm(nn.Module):
    """The same norm for mixed sequences, which own separate weights."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(width))
        self.beta = nn.Parameter(torch.zeros(width))

    def forward(self, x: Float[Tensor, "g n d"], segments: Segments) -> Float[Tensor, "g n d"]:
        """Standardize each of `g` groups of packed sequences, then scale and shift."""
        return standardize(x, segments) * self.gamma + self.beta


def standardize(x: Float[Tensor, "g n d"], segments: Segments) -> Float[Tensor, "g n d"]:
    """(x − mean) / sqrt(var + 1e-5) over the rows of each sequence, in at least float32."""
    values = x if x.dtype == torch.float64 else x.float()
    if segments.equal is not None:
        stacked = values.unflatten(1, (-1, segments.equal))
        variance, mean = torch.var_mean(stacked, dim=2, correction=0, keepdim=True)
        return ((stacked - mean) * torch.rsqrt(variance + EPSILON)).flatten(1, 2)
    index = segments.index(x.device)
    centred = values - _averages(values, segments)[:, index]
    return centred * torch.rsqrt(_averages(centred.square(), segments) + EPSILON)[:, index]


def _averages(values: Float[Tensor, "g n d"], segments: Segments) -> Float[Tensor, "g s d"]:
    groups, _, width = values.shape
    lengths = segments.sizes(values.device).to(values.dtype)
    total = values.new_zeros(groups, len(lengths), width)
    return total.index_add(1, segments.index(values.device), values) / lengths[:, None]


def drop_path(x: Tensor, rate: float, shape: tuple[int, ...]) -> Tensor:
    """Zero a branch with probability `rate` for each entry of `shape`, rescale the rest."""
    keep = torch.rand(shape, device=x.device) >= rate
    return x * (keep.to(x.dtype) / (1.0 - rate))


def by_sequence(branch: Tensor, segments: Segments, rate: float) -> Tensor:
    """Drop whole sequences of equal length (g, s·n, d) together."""
    stacked = branch.unflatten(1, (segments.count, -1))
    return drop_path(stacked, rate, (*stacked.shape[:2], 1, 1)).flatten(1, 2)


class HeadNorms(nn.Module):
    """Fused projection, norms of queries and keys, and how they meet: parts of each block."""

    def __init__(self, width: int, heads: int, kernel: Kernel) -> None:
        super().__init__()
        self.num_heads = heads
        self.kernel = kernel
        self.norm1 = InstanceNorm(width)
        self.norm2 = InstanceNorm(width)
        self.input_head = nn.Linear(width, 3 * width)
        self.output_head = nn.Linear(width, width)
        self.qnorm = nn.LayerNorm(width // heads)
        self.knorm = nn.LayerNorm(width // heads)
        self.gamma_att = nn.Parameter(torch.full((width,), LAYER_SCALE))

    def attend(
        self, x: Float[Tensor, "g n d"], segments: Segments, norms: tuple[nn.Module, nn.Module]
    ) -> Float[Tensor, "g n d"]:
        """Norm, attention inside each sequence, norm, projection.

        Args:
            x: (g, n, d) packed sequences, in `g` groups that share one packing.
            segments: lengths of the sequences of one group.
            norms: before the projection to q, k, v and after the attention.
        """
        before, after = norms
        fused = self.input_head(before(x, segments))
        # The published projection keeps q, k and v of one head together.
        q, k, v = rearrange(fused, "g n (h three e) -> three (g n) h e", three=3, h=self.num_heads)
        q, k = self.qnorm(q).to(v.dtype), self.knorm(k).to(v.dtype)
        mixed = self.kernel(q, k, v, segments.repeated(len(x)))
        return self.output_head(
            after(rearrange(mixed, "(g n) h e -> g n (h e)", g=len(x)), segments)
        )


class TimeBlock(HeadNorms):
    """Attention over the frames of one cell; no pointwise network (SViT, first half)."""

    profile_part: ClassVar[str] = "attention"

    def __init__(self, width: int, heads: int, kernel: Kernel, *, rate: float = 0.0) -> None:
        super().__init__(width, heads, kernel)
        self.rate = rate

    def forward(
        self, x: Float[Tensor, "n t d"], lead: Float[Tensor, "n d"] | None
    ) -> Float[Tensor, "n t d"]:
        """Let the frames of each cell exchange what they hold.

        Args:
            x: (n, t, d) tokens.
            lead: (n, d) embedded lead time of each cell's sample, in the first block.
        """
        branch = self.attend(x, Segments((x.shape[1],)), (self.norm1, self.norm2))
        if lead is not None:
            branch = branch + lead[:, None]
        branch = self.gamma_att * branch
        if self.training and self.rate:
            branch = drop_path(branch, self.rate, (len(x), 1, 1))
        return x + branch


class PaperFullBlock(HeadNorms):
    """Attention of all with all in a sequence, then a pointwise network normed after it."""

    profile_part: ClassVar[str] = "attention"

    def __init__(self, width: int, heads: int, kernel: Kernel, *, rate: float = 0.0) -> None:
        super().__init__(width, heads, kernel)
        self.rate = rate
        self.gamma_mlp = nn.Parameter(torch.full((width,), LAYER_SCALE))
        self.norm1_mask = MixedNorm(width)
        self.norm2_mask = MixedNorm(width)
        self.mlp = PaperMlp(width, width)
        self.mlp_norm = InstanceNorm(width)
        self.mlp_norm_mask = MixedNorm(width)

    def forward(
        self,
        x: Float[Tensor, "g n d"],
        segments: Segments,
        lead: Float[Tensor, "s d"] | None,
        *,
        is_mixed: bool = False,
    ) -> Float[Tensor, "g n d"]:
        """Update packed sequences, in `g` groups that share one packing.

        Args:
            x: (g, n, d) tokens.
            segments: lengths of the `s` sequences of a group.
            lead: (s, d) embedded lead time of each sequence, in the first block.
            is_mixed: use the norms of mixed sequences and add the lead time, as
                published, after the residual instead of inside the branch.
        """
        norms = (self.norm1_mask, self.norm2_mask) if is_mixed else (self.norm1, self.norm2)
        mlp_norm = self.mlp_norm_mask if is_mixed else self.mlp_norm
        branch = self.attend(x, segments, norms)
        rows = None if lead is None else lead[segments.index(x.device)]
        if rows is not None and not is_mixed:
            branch = branch + rows
        x = x + self._drop(self.gamma_att * branch, segments, is_mixed)
        if rows is not None and is_mixed:
            x = x + rows
        branch = self.gamma_mlp * mlp_norm(self.mlp(x), segments)
        return x + self._drop(branch, segments, is_mixed)

    def _drop(self, branch: Tensor, segments: Segments, is_mixed: bool) -> Tensor:
        """Per token in mixed sequences, else per sequence, as published."""
        if not self.training or not self.rate:
            return branch
        if is_mixed:
            return drop_path(branch, self.rate, (*branch.shape[:2], 1))
        return by_sequence(branch, segments, self.rate)
