"""Fields on a periodic box as waves: derivatives are products with wavenumbers."""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from jaxtyping import Complex, Float
from torch import Tensor

from matey_core.fields import Grid

Symbol = Float[Tensor, "*any k"] | Complex[Tensor, "*any k"]
"""What the waves of a real transform over all space axes are multiplied by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wavenumbers:
    """Wavenumbers k of a real transform over all space axes, each shaped to broadcast.

    Those of odd derivatives are 0 where an axis of even size cannot tell a wave from its mirror
    image.
    """

    even: Mapping[str, Tensor]
    """By axis."""
    odd: Mapping[str, Tensor]
    """By axis."""
    square: Tensor
    """|k|²."""
    resolved: Tensor
    """1 for waves whose products with one another do not appear as such waves: the 2/3 rule."""


def waves(grid: Grid, like: Tensor) -> Wavenumbers:
    """Give the wavenumbers of a grid, in the precision and on the device of some values."""
    return _waves(grid.axes, grid.shape, grid.spacing, like.dtype, like.device)


@functools.lru_cache(maxsize=16)
def _waves(
    axes: tuple[str, ...],
    shape: tuple[int, ...],
    spacing: tuple[float, ...],
    dtype: torch.dtype,
    device: torch.device,
) -> Wavenumbers:
    even, odd, resolved = {}, {}, []
    for axis, (name, points, step) in enumerate(zip(axes, shape, spacing, strict=True)):
        is_last = axis == len(axes) - 1
        number = (torch.fft.rfftfreq if is_last else torch.fft.fftfreq)(points, 1 / points)
        number = number.double().view([-1 if other == axis else 1 for other in range(len(axes))])
        along = 2 * math.pi / (points * step) * number
        even[name] = along.to(device, dtype)
        odd[name] = torch.where(2 * number.abs() == points, 0.0, along).to(device, dtype)
        resolved.append(3 * number.abs() < points)
    square = functools.reduce(torch.add, (each.square() for each in even.values()))
    both = functools.reduce(torch.logical_and, resolved).to(device, dtype)
    return Wavenumbers(even=even, odd=odd, square=square, resolved=both)


def filtered(values: Float[Tensor, "b c *space"], symbol: Symbol) -> Float[Tensor, "b d *space"]:
    """Multiply the waves of values, over all their space axes; of one field by several symbols."""
    axes = tuple(range(2, values.ndim))
    modes = torch.fft.rfftn(values, dim=axes) * symbol
    return torch.fft.irfftn(modes, s=values.shape[2:], dim=axes)


def diffusion(k: Wavenumbers, constants: Mapping[str, Tensor]) -> Tensor:
    """Symbol kᵀKk of −∇·(K∇), with K's entries among the constants."""
    mixed = 2 * constants["k12"] * (k.odd["x"] * k.odd["y"])
    return constants["k11"] * k.even["x"] ** 2 + mixed + constants["k22"] * k.even["y"] ** 2
