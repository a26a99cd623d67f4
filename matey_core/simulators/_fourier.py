"""Diffusion on a periodic grid, solved exactly in time by Fourier transforms."""

import functools

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.simulators._lanes import apply


def diffuse(
    values: Float[Tensor, "b c *space"], amounts: tuple[Float[Tensor, "b *ones"], ...]
) -> Float[Tensor, "b c *space"]:
    """Solve w_t = Σ D ∂²w, the second derivatives by three points, exactly over a time dt.

    With three points each new value is an average of old ones with positive weights, whatever
    the step: no overshoot, no new extremes. What is added is computed, not the result:
    rounding is that of the change, and amounts of 0 change nothing at all.

    Args:
        values: (b, c, *space) of one or two axes.
        amounts: D dt/dx² for each axis of space, (b, 1, *ones).
    """
    axes = tuple(range(2, values.ndim))
    transform = torch.fft.rfftn(values, dim=axes)
    change = _decay(amounts[-1], values.shape[-1], values.shape[-1] // 2 + 1)
    if len(axes) == 2:
        along_y = _decay(amounts[0], values.shape[-2], values.shape[-2]).transpose(-1, -2)
        # e^(x + y) − 1 from e^x − 1 and e^y − 1.
        change = change + torch.addcmul(along_y, along_y, change)
    transform.mul_(change)
    return values + torch.fft.irfftn(transform, s=values.shape[2:], dim=axes)


def roughness(
    values: Float[Tensor, "b c *space"], rates: tuple[Float[Tensor, "b *ones"], ...]
) -> Float[Tensor, " b"]:
    """Fastest change by diffusion, in units of the largest value: max |Σ D ∂²w| / max |w|.

    Args:
        values: (b, c, *space).
        rates: D/dx² for each axis of space.
    """
    total = torch.zeros_like(values)
    for axis, rate in enumerate(rates, start=2):
        points = values.shape[axis]
        padded = torch.cat(
            [values.narrow(axis, points - 1, 1), values, values.narrow(axis, 0, 1)], axis
        )
        slopes = padded.diff(dim=axis)
        total += rate * slopes.diff(dim=axis)
    tiny = torch.finfo(values.dtype).tiny
    space = tuple(range(1, values.ndim))
    return total.abs_().amax(space) / (values.abs().amax(space) + tiny)


def _decay(amount: Float[Tensor, "b *ones"], points: int, count: int) -> Float[Tensor, "b *k"]:
    """Give e^(−amount λ_k) − 1 for the first `count` wavenumbers along the last axis."""
    symbol = _symbol(points, amount.dtype, amount.device)[:count]
    return apply(torch.expm1, -amount * symbol)


@functools.cache
def _symbol(points: int, dtype: torch.dtype, device: torch.device) -> Float[Tensor, " k"]:
    """Give λ_k = 4 sin²(πk/n), minus the eigenvalues of the three-point second difference."""
    eigenvalues = 4 * np.sin(np.pi * np.arange(points) / points) ** 2
    return torch.from_numpy(eigenvalues).to(device, dtype)
