"""A model whose attention another kernel computes for a while."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn

from matey_core.kernels import KERNELS
from matey_core.nn.self_attention import SelfAttention


@contextmanager
def with_kernel(model: nn.Module, name: str) -> Iterator[None]:
    """Compute all attention with another kernel until the block ends: the same, to rounding.

    Args:
        model: has any attention inside.
        name: of the kernel.
    """
    parts = [part for part in model.modules() if isinstance(part, SelfAttention)]
    before = [part.kernel for part in parts]
    for part in parts:
        part.kernel = KERNELS[name]
    try:
        yield
    finally:
        for part, kernel in zip(parts, before, strict=True):
            part.kernel = kernel
