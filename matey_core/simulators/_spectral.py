"""Real fields on a periodic square as the Fourier modes that survive dealiasing.

Of n points along an axis, modes |k| < n/3 are kept: products of two such fields are exact in
all modes that are kept (the 2/3 rule of Orszag, 1971). Modes that are dropped are not stored.
"""

import torch
from jaxtyping import Complex, Float
from torch import Tensor


def kept(points: int) -> int:
    """Largest wavenumber that is kept."""
    return (points - 1) // 3


def wavenumbers(points: int, *, like: Tensor) -> tuple[Tensor, Tensor]:
    """2π times the whole wavenumbers of the modes: (2m + 1, 1) along x, (m + 1,) along y.

    Along x in the order 0 … m, −m … −1; along y only 0 … m, for fields are real.
    """
    largest = kept(points)
    along = torch.arange(largest + 1, dtype=torch.float64)
    across = torch.cat([along, along[1:].flip(0).neg()])[:, None]
    turn = 2 * torch.pi
    return (turn * across).to(like), (turn * along).to(like)


def values(modes: Complex[Tensor, "*b kx ky"], points: int) -> Float[Tensor, "*b x y"]:
    """Sum modes on the grid, 1 in mode 0 meaning 1 everywhere."""
    largest = modes.shape[-1] - 1
    padded = modes.new_zeros(*modes.shape[:-2], points, largest + 1)
    padded[..., : largest + 1, :] = modes[..., : largest + 1, :]
    padded[..., points - largest :, :] = modes[..., largest + 1 :, :]
    across = torch.fft.ifft(padded, dim=-2, norm="forward")
    return torch.fft.irfft(across, n=points, dim=-1, norm="forward")


def modes(values: Float[Tensor, "*b x y"]) -> Complex[Tensor, "*b kx ky"]:
    """Give the modes of values on the grid: the inverse of `values`."""
    points = values.shape[-1]
    largest = kept(points)
    along = torch.fft.rfft(values, dim=-1, norm="forward")[..., : largest + 1]
    across = torch.fft.fft(along, dim=-2, norm="forward")
    return torch.cat([across[..., : largest + 1, :], across[..., points - largest :, :]], dim=-2)
