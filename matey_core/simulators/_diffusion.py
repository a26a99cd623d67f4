"""Diffusion on a periodic grid, exact in time: w_t = Σ D ∂²w, second derivatives by three points.

With three points each new value is an average of old ones with positive weights, whatever the
step: nothing overshoots. What is added is computed rather than the result, so that rounding is
that of the change, and a time of 0 changes nothing at all.
"""

import functools

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from matey_core.simulators._lanes import apply, in_company, pad_lanes


def diffuse_line_(values: Float[Tensor, "b c x"], amount: Float[Tensor, "b 1 1"]) -> None:
    """Diffuse along one axis, in place, by Fourier transforms.

    Args:
        values: (b, c, x).
        amount: D dt/dx².
    """
    change = in_company(torch.fft.rfft, values).mul_(_decay(amount, values.shape[-1]))
    values.add_(_inverse(change, values.shape[-1]))


def diffuse_plane_(values: Float[Tensor, "b 1 n n"], amount: Float[Tensor, "b 1 1 1"]) -> None:
    """Diffuse along two axes alike, in place, by products with a matrix.

    They take no longer than transforms on the usual grids, and those of a batch round as those
    of one sample, which transforms of planes do not.

    Args:
        values: (b, 1, n, n).
        amount: D dt/dx².
    """
    points = values.shape[-1]
    plane, matrix = pad_lanes(values[:, 0], 2), _matrix(amount, points)
    plane = torch.baddbmm(plane, matrix, plane)
    values[:, 0] = torch.baddbmm(plane, plane, matrix)[:, :points, :points]


def roughness(
    values: Float[Tensor, "b c *space"], rates: tuple[Float[Tensor, "b *ones"], ...]
) -> Float[Tensor, " b"]:
    """Fastest change by diffusion, in units of the largest value: max |Σ D ∂²w| / max |w|.

    Args:
        values: (b, c, *space).
        rates: D/dx² for each axis of space, with the axes of `values`.
    """
    total = torch.zeros_like(values)
    for axis, rate in enumerate(rates, start=2):
        points = values.shape[axis]
        ends = values.narrow(axis, points - 1, 1), values.narrow(axis, 0, 1)
        slopes = torch.cat([ends[0], values, ends[1]], axis).diff(dim=axis)
        total += rate * slopes.diff(dim=axis)
    tiny = torch.finfo(values.dtype).tiny
    space = tuple(range(1, values.ndim))
    return total.abs_().amax(space) / (values.abs().amax(space) + tiny)


def _matrix(amount: Float[Tensor, "b 1 1 1"], points: int) -> Float[Tensor, "b padded padded"]:
    """Give the change by diffusion as a circulant matrix, with zeros beyond the points."""
    row = _inverse(_decay(amount, points), points)[:, 0, 0]
    # Row i begins i places before the second copy of the first.
    return pad_lanes(torch.cat([row, row], 1).unfold(1, points, 1)[:, 1:].flip(1), 2)


def _inverse(transform: Shaped[Tensor, "b *k"], points: int) -> Float[Tensor, "b *points"]:
    """Transform back along the last axis."""
    return in_company(functools.partial(torch.fft.irfft, n=points), transform)


def _decay(amount: Float[Tensor, "b *ones"], points: int) -> Float[Tensor, "b *ones_and_k"]:
    """Give e^(−amount λ_k) − 1 for wavenumbers k from 0 to half the points."""
    return apply(torch.expm1, -amount * _symbol(points, amount.dtype, amount.device))


@functools.cache
def _symbol(points: int, dtype: torch.dtype, device: torch.device) -> Float[Tensor, " k"]:
    """Give λ_k = 4 sin²(πk/n), minus the eigenvalues of the three-point second difference."""
    eigenvalues = 4 * np.sin(np.pi * np.arange(points // 2 + 1) / points) ** 2
    return torch.from_numpy(eigenvalues).to(device, dtype)
