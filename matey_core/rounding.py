"""What float32 keeps of numbers: a precision, units for squares, and where 0 begins."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from jaxtyping import Float
from torch import Tensor

ROUNDING = 1e-6
"""A spread below this fraction of a field's magnitude is float32 noise, not signal."""


def power_of_two(values: Float[Tensor, "*any"]) -> Float[Tensor, "*any"]:
    """The largest power of two up to each value: divided by it, squares stay in float32's range.

    Such a division rounds nothing. Of 0 it is 1.
    """
    exponent = torch.frexp(values).exponent - 1
    return torch.where(values > 0, torch.ldexp(torch.ones_like(values), exponent), 1.0)


@contextmanager
def subnormals_as_zero() -> Iterator[None]:
    """Take numbers below 1.2e-38 for 0 in this thread, until the block ends.

    Threads take this over from the one that starts them, and keep it. The tails of GELU make many
    such numbers, and a processor computes with them in microcode. Without this a step of the
    `pyramid` model takes twice as long after a few steps of training.
    """
    was = bool((torch.full((1,), 1e-39) * 0.5 == 0).item())
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(was)
