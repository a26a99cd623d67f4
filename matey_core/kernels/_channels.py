"""Heads of a width that fused kernels take."""

from collections.abc import Callable

from torch import Tensor
from torch.nn.functional import pad

Scaled = Callable[[Tensor, Tensor, Tensor, float], Tensor]
"""Queries, keys, values and what scores are multiplied by, to values."""


def in_eights(attend: Scaled, q: Tensor, k: Tensor, v: Tensor, *, least: int = 8) -> Tensor:
    """Pad the last axis with zeros to a multiple of 8, which changes nothing, and crop the result.

    Otherwise GPUs refuse, or fall back to a matrix of all with all.

    Args:
        attend: attention that takes the scale.
        q: (…, e), like k and v.
        k: see q.
        v: see q.
        least: channels, a multiple of 8, below which the kernel refuses.
    """
    width = q.shape[-1]
    scale = width**-0.5
    if extra := max(-width % 8, least - width):
        q, k, v = (pad(x, (0, extra)) for x in (q, k, v))
        return attend(q, k, v, scale)[..., :width]
    return attend(q, k, v, scale)
