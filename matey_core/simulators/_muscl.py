"""Values on both sides of every face, from limited slopes.

B. van Leer, Towards the ultimate conservative difference scheme IV and V (1977, 1979).
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Limiter = Literal["monotonized_central", "minmod"]


def reconstruct(
    cells: Float[Tensor, "k n"],
    stride: int,
    limiter: Limiter,
    *,
    out: Float[Tensor, "2 k m"],
    work: Float[Tensor, " _w"],
) -> None:
    """Reconstruct a flat array along one axis.

    No face value is outside of what the cell and its neighbors have: what is positive stays
    positive.

    Args:
        cells: means of cells.
        stride: distance between neighbors.
        limiter: `minmod` takes the smaller of both one-sided slopes where they agree in sign;
            `monotonized_central` the central one, up to twice the smaller.
        out: left and right values, m = n − 3 stride; entry j belongs to the face between cells
            j + stride and j + 2 stride.
        work: memory for 4 k n numbers.
    """
    channels, count = cells.shape
    inner = count - 2 * stride
    first, others = work[: channels * (count - stride)], work[channels * count :]
    difference = first.view(channels, -1)
    highest, lowest, half = others[: 3 * channels * inner].view(3, channels, inner)
    torch.sub(cells[:, stride:], cells[:, :-stride], out=difference)
    before, after = difference[:, :-stride], difference[:, stride:]
    torch.minimum(before, after, out=highest).clamp_(min=0)
    torch.maximum(before, after, out=lowest).clamp_(max=0)
    if limiter == "minmod":
        torch.add(highest, lowest, out=half).mul_(0.5)
    else:
        # Half the central slope, within the one-sided differences.
        torch.add(before, after, out=half).mul_(0.25)
        torch.clamp(half, lowest, highest, out=half)
    middle = cells[:, stride:-stride]
    torch.add(middle[:, :-stride], half[:, :-stride], out=out[0])
    torch.sub(middle[:, stride:], half[:, stride:], out=out[1])
