"""The kernel that suits the device, the precision and the lengths at hand."""

import torch
from torch import Tensor

from matey_core.kernels import KERNELS
from matey_core.kernels._flash import hindrance
from matey_core.tokens import Segments


@KERNELS.register("auto")
def auto(q: Tensor, k: Tensor, v: Tensor, segments: Segments) -> Tensor:
    """Attend with `varlen` or `sdpa`; the memory is linear in tokens either way.

    `varlen` takes sequences of unequal length on CUDA in bfloat16 or float16, where the device
    and the width of the heads allow it: one call for all. Anything else goes to `sdpa`: equal
    lengths are one call on every device, and torch picks the fastest of its implementations;
    unequal ones are one call for each distinct length, which is all that CPUs and float32 have.
    `flex`, which compiles for new shapes, and `math`, whose memory is quadratic, are only taken
    by name.
    """
    return KERNELS[choose(q.device, v.dtype, q.shape[-1], segments)](q, k, v, segments)


def choose(device: torch.device, dtype: torch.dtype, width: int, segments: Segments) -> str:
    """Name the kernel that `auto` hands heads of some width to."""
    if segments.equal is None and hindrance(device, dtype, width) is None:
        return "varlen"
    return "sdpa"
