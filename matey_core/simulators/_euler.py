"""Flow of mass, energy and momentum between cells, in pieces that stay in the cache."""

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.simulators._muscl import Limiter, reconstruct
from matey_core.simulators._riemann import BUFFERS, hllc

PIECE = 1 << 16
"""Faces to work on at a time; torch shares out among threads what is longer than 2^15."""
HALO_SHARE = 8
"""A piece is at least so many times the distance of neighbors, which it sees beyond its ends."""


def add_flow(
    primitive: Float[Tensor, "k n"],
    axis: int,
    stride: int,
    *,
    limiter: Limiter,
    gamma: float,
    total: Float[Tensor, "k n"],
) -> None:
    """Add what flows into each cell of a flat array along one axis.

    Args:
        primitive: density, pressure and velocities.
        axis: the axis.
        stride: distance between neighbors along it.
        limiter: of slopes.
        gamma: ratio of specific heats.
        total: takes flux × time / cell size; two cells at each end are left as they are.
    """
    channels, count = primitive.shape
    halo = 4 * stride
    piece = min(count, halo + _piece(primitive, stride))
    # Slopes, values on both sides of faces, and what the flux needs, each in one block.
    slopes, sides, work = (
        primitive.new_empty(size * piece) for size in (4 * channels, 2 * channels, BUFFERS)
    )
    for first in range(0, count - halo, piece - halo):
        cells = primitive[:, first : first + piece]
        length = cells.shape[1]
        faces = length - 3 * stride
        values = sides[: 2 * channels * faces].view(2, channels, faces)
        reconstruct(cells, stride, limiter, out=values, work=slopes)
        flux = slopes[: channels * faces].view(channels, faces)
        hllc(values, axis, gamma, out=flux, work=work[: BUFFERS * faces].view(BUFFERS, faces))
        inner = total[:, first + 2 * stride : first + length - 2 * stride]
        inner.add_(flux[:, :-stride]).sub_(flux[:, stride:])


def _piece(values: Tensor, stride: int) -> int:
    """Faces to work on at a time: all of them where there is no cache to stay in."""
    if values.device.type != "cpu" or torch.compiler.is_compiling():
        return values.shape[1]
    return max(PIECE, HALO_SHARE * stride)
