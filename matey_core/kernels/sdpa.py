"""torch's scaled dot product attention: fused, on any device, one call a length."""

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from matey_core.kernels import KERNELS
from matey_core.kernels._batches import by_length
from matey_core.kernels._channels import in_eights
from matey_core.tokens import Segments

HAS_TILES = torch.cpu._is_amx_tile_supported()
"""Whether the processor multiplies tiles of bfloat16, as Intel's do that have AMX."""
SHORT = 128
"""Rows of a sequence up to which a CPU with tiles attends faster in float32 than in bfloat16; this
and what follows is measured by `bench.attention_types`."""
NARROW = 32
"""Channels of a head up to which it does so with twice as many rows."""
SMALL, LONG = 2**14, 512
"""Numbers of a head, and rows, up to which a CPU without tiles does."""
MOST_SEQUENCES = 65535
"""Of one call on a GPU: the fused kernels number sequences along a short axis of CUDA's grid."""


@KERNELS.register("sdpa")
def sdpa(q: Tensor, k: Tensor, v: Tensor, segments: Segments) -> Tensor:
    """Hand sequences of equal length to torch's fused attention together."""
    return by_length(_attend, q, k, v, segments)


def _attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    if q.device.type == "cuda" and len(q) > MOST_SEQUENCES:
        parts = zip(*(x.split(MOST_SEQUENCES) for x in (q, k, v)), strict=True)
        return torch.cat([in_eights(_fused, *part) for part in parts])
    return in_eights(_fused, q, k, v)


def _fused(q: Tensor, k: Tensor, v: Tensor, scale: float) -> Tensor:
    if q.device.type == "cpu" and q.dtype == torch.bfloat16 and _is_faster_exact(*q.shape[-2:]):
        with torch.autocast("cpu", enabled=False):
            exact = scaled_dot_product_attention(q.float(), k.float(), v.float(), scale=scale)
        return exact.to(q.dtype)
    return scaled_dot_product_attention(q, k, v, scale=scale)


def _is_faster_exact(rows: int, channels: int) -> bool:
    """Whether a CPU attends faster in float32, conversions included."""
    if HAS_TILES:
        return rows <= (2 * SHORT if channels <= NARROW else SHORT)
    return rows * channels <= SMALL and rows <= LONG
