"""Real fields on a periodic square as the Fourier modes that survive dealiasing.

Of n points along an axis, modes |k| < n/3 are kept: products of two such fields are exact in
all modes that are kept (the 2/3 rule of Orszag, 1971). Modes that are dropped are neither
stored nor transformed.
"""

import torch
from jaxtyping import Complex, Float
from torch import Tensor


def kept(points: int) -> int:
    """Largest wavenumber that is kept."""
    return (points - 1) // 3


def wavenumbers(points: int) -> tuple[Float[Tensor, " kx"], Float[Tensor, "ky 1"]]:
    """2π times the whole wavenumbers of the modes, in float64.

    Along x in the order 0 … m, −m … −1; along y only 0 … m, for fields are real.
    """
    along = 2 * torch.pi * torch.arange(kept(points) + 1, dtype=torch.float64)
    return torch.cat([along, -along[1:].flip(0)]), along[:, None]


class ModeTransform:
    """Between modes and values on a grid, for fields that are transformed again and again.

    Mode 0 is the mean. Modes have y before x, values x before y: each transform then runs
    along memory. Zeros beyond the modes are written once, for each shape of input.
    """

    def __init__(self, points: int) -> None:
        self.points = points
        self.largest = kept(points)
        self._padded: tuple[Tensor, Tensor] | None = None

    def values(
        self, modes: Complex[Tensor, "b 1 ky kx"], factors: Complex[Tensor, "c ky kx"]
    ) -> Float[Tensor, "b c x y"]:
        """Sum modes on the grid.

        Args:
            modes: of one field.
            factors: make the modes of c fields from them.
        """
        rows, columns = self._memory((len(modes), len(factors)), modes)
        width, last = self.largest + 1, self.points - self.largest
        torch.mul(modes[..., :width], factors[..., :width], out=rows[..., :width])
        torch.mul(modes[..., width:], factors[..., width:], out=rows[..., last:])
        along_x = torch.fft.ifft(rows, dim=-1, norm="forward")
        columns[..., :width] = along_x.transpose(-1, -2)
        return torch.fft.irfft(columns, n=self.points, dim=-1, norm="forward")

    def modes(
        self, values: Float[Tensor, "b c x y"], factors: Float[Tensor, "c ky pairs"]
    ) -> Float[Tensor, "b ky pairs"]:
        """Give the sum over fields of their modes times a factor each.

        Args:
            values: c fields on the grid.
            factors: for real and imaginary parts, interleaved.

        Returns:
            Real and imaginary parts, interleaved.
        """
        width, last = self.largest + 1, self.points - self.largest
        along_y = torch.fft.rfft(values, dim=-1, norm="forward")[..., :width]
        along_y = along_y.transpose(-1, -2).contiguous()
        all_modes = torch.view_as_real(torch.fft.fft(along_y, dim=-1, norm="forward")).flatten(-2)
        total = values.new_empty(len(values), width, 2 * (2 * self.largest + 1))
        for ours, theirs in (
            (slice(None, 2 * width), slice(None, 2 * width)),
            (slice(2 * width, None), slice(2 * last, None)),
        ):
            first, *others = all_modes[..., theirs].unbind(1)
            torch.mul(first, factors[0, :, ours], out=total[..., ours])
            for other, factor in zip(others, factors[1:, :, ours], strict=True):
                total[..., ours].addcmul_(other, factor)
        return total

    def _memory(self, fields: tuple[int, int], like: Tensor) -> tuple[Tensor, Tensor]:
        """Modes with zeros beyond them: along x, and along both axes with x first."""
        rows, columns = self._padded or (like, like)
        shape = (*fields, self.points, self.points // 2 + 1)
        if columns.shape != shape or (columns.dtype, columns.device) != (like.dtype, like.device):
            columns = like.new_zeros(shape)
            rows = like.new_zeros(*fields, self.largest + 1, self.points)
            self._padded = rows, columns
        return rows, columns
