"""What an equation without time says of its source."""

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.equations._fitting import KnownEquation
from matey_core.equations._spectral import filtered


def solution(
    equation: KnownEquation, source: Float[Tensor, "b 1 *space"]
) -> Float[Tensor, "b 1 *space"]:
    """Solve Lu = f; waves that L makes nothing of are left out, as in our simulators.

    Args:
        equation: with a source.
        source: f.
    """
    symbol = equation.linear(source)
    is_zero = symbol == 0
    inverse = torch.where(is_zero, 0.0, 1 / torch.where(is_zero, 1.0, symbol))
    return filtered(source, inverse)
