"""Values on both sides of every face, from limited slopes.

B. van Leer, Towards the ultimate conservative difference scheme IV and V (1977, 1979).
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Limiter = Literal["monotonized_central", "minmod"]


def reconstruct(
    cells: Float[Tensor, "k n"], stride: int, limiter: Limiter
) -> tuple[Float[Tensor, "k m"], Float[Tensor, "k m"]]:
    """Reconstruct a flat array along one axis.

    Both limiters keep a face value between the means of the two cells beside the face or, in
    `monotonized_central`, of a cell and its neighbours: what is positive stays positive.

    Args:
        cells: means of cells.
        stride: distance between neighbours.
        limiter: `minmod` takes the smaller of both one-sided slopes where they agree in sign;
            `monotonized_central` the central one, up to twice the smaller.

    Returns:
        Left and right values, m = n − 3 stride; entry j belongs to the face between cells
        j + stride and j + 2 stride.
    """
    difference = cells[:, stride:] - cells[:, :-stride]
    before, after = difference[:, :-stride], difference[:, stride:]
    highest = torch.minimum(before, after).clamp_(min=0)
    lowest = torch.maximum(before, after).clamp_(max=0)
    if limiter == "minmod":
        half = highest.add_(lowest).mul_(0.5)
    else:
        # Half the central slope, within the one-sided differences.
        half = (before + after).mul_(0.25)
        torch.clamp(half, lowest, highest, out=half)
    middle = cells[:, stride:-stride]
    return (
        middle[:, :-stride] + half[:, :-stride],
        middle[:, stride:] - half[:, stride:],
    )
