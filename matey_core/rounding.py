"""What float32 keeps of a field: a relative precision, and units in which squares stay finite."""

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
