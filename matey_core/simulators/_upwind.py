"""Transport by u_t + s (u²/2)_x = 0 on a periodic grid: second-order finite volumes.

MUSCL–Hancock (van Leer 1984) with the monotonized central limiter and Godunov's flux, which is
exact for this equation. Total variation does not grow; shocks stay sharp over two or three cells.
"""

import math
from collections.abc import Iterator

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.simulators._scratch import Scratch

GHOSTS = 2
BUFFERS = 5


def transport_(
    values: Float[Tensor, "b c *space"],
    ratio: Float[Tensor, "#b *ones"],
    axis: int,
    scratch: Scratch,
) -> None:
    """Take one step along one axis, in place; stable while ratio · max |u| ≤ 1.

    Args:
        values: (b, c, *space) averages over cells.
        ratio: s dt/dx with s > 0, (b, 1, *ones). Where it is 0 nothing changes.
        axis: axis of `values` to move along.
        scratch: memory to work in.
    """
    points = values.shape[axis]
    padded, jumps, largest, smallest, half = _buffers(values, axis, scratch)
    padded.narrow(axis, GHOSTS, points).copy_(values)
    padded.narrow(axis, 0, GHOSTS).copy_(values.narrow(axis, points - GHOSTS, GHOSTS))
    padded.narrow(axis, points + GHOSTS, GHOSTS).copy_(values.narrow(axis, 0, GHOSTS))
    torch.sub(padded.narrow(axis, 1, points + 3), padded.narrow(axis, 0, points + 3), out=jumps)
    # Half the slope of each cell and of one neighbor on either side.
    before, after = jumps.narrow(axis, 0, points + 2), jumps.narrow(axis, 1, points + 2)
    torch.minimum(before, after, out=largest).clamp_(min=0)
    torch.maximum(before, after, out=smallest).clamp_(max=0)
    torch.add(before, after, out=half).mul_(0.25)
    torch.clamp(half, smallest, largest, out=half)
    # Values at the faces of each cell after half a step, those on the left with their sign turned.
    center, right = smallest, largest
    old = padded.narrow(axis, 1, points + 2)
    torch.addcmul(old, old, torch.mul(half, ratio, out=center), value=-1, out=center)
    torch.add(half, center, out=right)
    minus_left = half.sub_(center)
    # Twice Godunov's flux: the square of what runs into the face, from the faster side.
    flux = jumps.narrow(axis, 0, points + 1)
    torch.maximum(
        right.narrow(axis, 0, points + 1), minus_left.narrow(axis, 1, points + 1), out=flux
    )
    flux.clamp_(min=0)
    flux.mul_(flux)
    change = center.narrow(axis, 0, points)
    torch.sub(flux.narrow(axis, 1, points), flux.narrow(axis, 0, points), out=change)
    values.addcmul_(change, ratio, value=-0.5)


def _buffers(
    values: Float[Tensor, "b c *space"], axis: int, scratch: Scratch
) -> Iterator[Float[Tensor, "b c *longer"]]:
    """Give memory for the values with ghosts, for the jumps between them, and for three more."""
    points = values.shape[axis]
    lines = values.numel() // points
    memory = scratch.take((BUFFERS, lines * (points + 4)), values.dtype, values.device)
    for buffer, extra in zip(memory, (4, 3, 2, 2, 2), strict=True):
        shape = list(values.shape)
        shape[axis] += extra
        yield buffer[: math.prod(shape)].view(shape)
