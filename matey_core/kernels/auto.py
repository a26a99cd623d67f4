"""The kernel that suits the device, the precision and the lengths at hand."""

import logging
from functools import cache

import torch
from torch import Tensor

from matey_core.kernels import KERNELS
from matey_core.kernels._flash import hindrance
from matey_core.tokens import Segments

_LOG = logging.getLogger("matey.kernels")


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
    """Name the kernel that `auto` hands queries, keys and values to.

    Args:
        device: where they are.
        dtype: their precision.
        width: channels of a head.
        segments: lengths of the sequences.
    """
    reason = None if segments.equal is not None else hindrance(device, dtype, width)
    chosen = "varlen" if segments.equal is None and reason is None else "sdpa"
    # A compiler cannot trace a logger.
    if not torch.compiler.is_compiling() and _LOG.isEnabledFor(logging.INFO):
        _log_once(chosen, reason)
    return chosen


@cache
def _log_once(chosen: str, reason: str | None) -> None:
    """Log a choice, each kind of it once in a process."""
    if reason is None:
        lengths = "unequal" if chosen == "varlen" else "equal"
        _LOG.info("kernel %s: one call for sequences of %s lengths", chosen, lengths)
    else:
        _LOG.info(
            "kernel %s, a slow path: one call for each distinct length, as varlen cannot take %s",
            chosen,
            reason,
        )
