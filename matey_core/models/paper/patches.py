"""Fields to tokens and back in three convolutions, as published (arXiv 2412.20601)."""

import math
from typing import ClassVar

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from matey_core.nn.factors import stage_factors

Triple = tuple[int, int, int]


def patch_triple(size: int, num_axes: int) -> Triple:
    """A cubic patch of a field with `num_axes` axes, on the grid (D, H, W)."""
    depth, height, width = (1,) * (3 - num_axes) + (size,) * num_axes
    return (depth, height, width)


def stage_kernels(patch: Triple) -> tuple[Triple, Triple, Triple]:
    """Kernel and stride of each stage of a stem; the head uses them in reverse."""
    depth, height, width = (stage_factors(size) for size in patch)
    first, second, third = zip(depth, height, width, strict=True)
    return (first, second, third)


class FieldProjection(nn.Module):
    """sqrt(V/C) · (W[:, S] v + b): the C fields present, out of V known ones, at each point.

    V is the number of fields at birth. It stays when fields are added, so that the
    predictions for the old fields stay as they are.
    """

    reference: Tensor

    def __init__(self, num_fields: int, width: int) -> None:
        super().__init__()
        bound = num_fields**-0.5
        self.weight = nn.Parameter(torch.empty(width, num_fields).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(width).uniform_(-bound, bound))
        self.register_buffer("reference", torch.tensor(float(num_fields)))

    def forward(
        self, x: Float[Tensor, "m c d h w"], ids: Int[Tensor, " c"]
    ) -> Float[Tensor, "m e d h w"]:
        """Mix the fields of every point, outside autocast.

        Args:
            x: (m, c, d, h, w) normalized fields of `m` frames.
            ids: (c,) column of each field.
        """
        with torch.autocast(x.device.type, enabled=False):
            scale = (self.reference / len(ids)).sqrt()
            weight = (scale * self.weight[:, ids])[..., None, None, None]
            return functional.conv3d(x, weight, scale * self.bias)

    def extend(self, count: int) -> None:
        """Append `count` fresh columns."""
        bound = self.reference.rsqrt().item()
        fresh = self.weight.new_empty(len(self.weight), count).uniform_(-bound, bound)
        self.weight = nn.Parameter(torch.cat([self.weight.detach(), fresh], dim=1))


class PaperStem(nn.Module):
    """Three strided convolutions, each followed by instance norm and GELU."""

    profile_part: ClassVar[str] = "stem"

    def __init__(self, width: int, patch: Triple) -> None:
        super().__init__()
        inner = width // 4
        stages: list[nn.Module] = []
        for kernel, out in zip(stage_kernels(patch), (inner, inner, width), strict=True):
            stages += [
                nn.Conv3d(inner, out, kernel, stride=kernel, bias=False),
                nn.InstanceNorm3d(out, affine=True),
                nn.GELU(),
            ]
        self.in_proj = nn.Sequential(*stages)

    def forward(self, x: Float[Tensor, "m e d h w"]) -> Float[Tensor, "m f nd nh nw"]:
        """Turn every patch of every frame into a token."""
        return self.in_proj(x)


class PaperHead(nn.Module):
    """The stem mirrored: three transposed convolutions, the last one with a bias."""

    profile_part: ClassVar[str] = "head"

    def __init__(self, width: int, patch: Triple, num_fields: int) -> None:
        super().__init__()
        inner = width // 4
        last, middle, first = stage_kernels(patch)
        self.out_proj = nn.Sequential(
            nn.ConvTranspose3d(width, inner, first, stride=first, bias=False),
            nn.InstanceNorm3d(inner, affine=True),
            nn.GELU(),
            nn.ConvTranspose3d(inner, inner, middle, stride=middle, bias=False),
            nn.InstanceNorm3d(inner, affine=True),
            nn.GELU(),
        )
        self.out_head = nn.ConvTranspose3d(inner, num_fields, last, stride=last)

    def forward(
        self, x: Float[Tensor, "m f nd nh nw"], ids: Int[Tensor, " c"]
    ) -> Float[Tensor, "m c d h w"]:
        """Decode only the fields asked for: the last stage is linear in each.

        Args:
            x: (m, f, nd, nh, nw) tokens of whole canvases.
            ids: (c,) output channel of each field.
        """
        inner = self.out_proj(x)
        last = self.out_head
        with torch.autocast(x.device.type, enabled=False):
            return functional.conv_transpose3d(
                inner.to(last.weight.dtype),
                last.weight[:, ids],
                None if last.bias is None else last.bias[ids],
                stride=last.stride,
            )

    def extend(self, count: int) -> None:
        """Append `count` fresh output channels; every other weight is kept."""
        last = self.out_head
        old_weight, old_bias = last.weight.detach(), last.bias
        bound = 1 / math.sqrt(old_weight.shape[1] * math.prod(old_weight.shape[2:]))
        shape = (old_weight.shape[0], count, *old_weight.shape[2:])
        weight = old_weight.new_empty(shape).uniform_(-bound, bound)
        last.weight = nn.Parameter(torch.cat([old_weight, weight], dim=1))
        if old_bias is not None:
            bias = old_weight.new_empty(count).uniform_(-bound, bound)
            last.bias = nn.Parameter(torch.cat([old_bias.detach(), bias]))
        last.out_channels += count


class PaperTokenizer(nn.Module):
    """Stems and heads of all patch sizes, the finest first."""

    def __init__(self, width: int, patches: tuple[Triple, ...], num_fields: int) -> None:
        super().__init__()
        self.embed = nn.ModuleList(PaperStem(width, patch) for patch in patches)
        self.debed = nn.ModuleList(PaperHead(width, patch, num_fields) for patch in patches)
