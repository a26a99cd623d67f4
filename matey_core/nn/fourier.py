"""Sines and cosines of a number at wavelengths spread evenly on a logarithmic scale."""

import math

import torch
from jaxtyping import Float
from torch import Tensor


def fourier_features(
    values: Float[Tensor, "*rows"], size: int, *, shortest: float, longest: float
) -> Float[Tensor, "*rows {size}"]:
    """[sin(2π v / λⱼ)]ⱼ then [cos(2π v / λⱼ)]ⱼ, with λ from `shortest` to `longest`.

    The angles are computed in float64: at short wavelengths a float32 angle has
    no correct digit left.

    Args:
        values: (*rows) numbers.
        size: features per number, even.
        shortest: the first wavelength, in the unit of `values`.
        longest: the last wavelength, included.
    """
    wavelengths = torch.logspace(
        math.log10(shortest),
        math.log10(longest),
        size // 2,
        dtype=torch.float64,
        device=values.device,
    )
    angle = 2 * math.pi * values.double().unsqueeze(-1) / wavelengths
    return torch.cat([angle.sin(), angle.cos()], dim=-1).float()
