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


def wavenumbers(
    points: int, *, device: torch.device | str = "cpu"
) -> tuple[Float[Tensor, "kx 1"], Float[Tensor, " ky"]]:
    """2π times the whole wavenumbers of the modes, in float64.

    Along x in the order 0 … m, −m … −1; along y only 0 … m, for fields are real.
    """
    largest = kept(points)
    along = 2 * torch.pi * torch.arange(largest + 1, dtype=torch.float64, device=device)
    return torch.cat([along, -along[1:].flip(0)])[:, None], along


class Transform:
    """Between modes and values on a grid, for fields that are transformed again and again.

    Mode 0 is the mean. Zeros beyond the modes are written once, for each shape of input.
    """

    def __init__(self, points: int) -> None:
        self.points = points
        self.largest = kept(points)
        self._padded: tuple[Tensor, Tensor] | None = None

    def values(
        self, modes: Complex[Tensor, "b 1 kx ky"], factors: Complex[Tensor, "c kx ky"]
    ) -> Float[Tensor, "b c x y"]:
        """Sum modes on the grid.

        Args:
            modes: of one field.
            factors: make the modes of c fields from them.
        """
        rows, columns = self._memory((len(modes), len(factors)), modes)
        width, last = self.largest + 1, self.points - self.largest
        torch.mul(modes[..., :width, :], factors[:, :width], out=rows[..., :width, :])
        torch.mul(modes[..., width:, :], factors[:, width:], out=rows[..., last:, :])
        columns[..., :width] = torch.fft.ifft(rows, dim=-2, norm="forward")
        return torch.fft.irfft(columns, n=self.points, dim=-1, norm="forward")

    def modes(
        self, values: Float[Tensor, "b c x y"], factors: Float[Tensor, "c kx ky*2"]
    ) -> Float[Tensor, "b kx ky*2"]:
        """Give the sum over fields of their modes times a factor each.

        Args:
            values: c fields on the grid.
            factors: for real and imaginary parts, interleaved.

        Returns:
            Real and imaginary parts, interleaved.
        """
        width, last = self.largest + 1, self.points - self.largest
        along = torch.fft.rfft(values, dim=-1, norm="forward")[..., :width]
        across = torch.view_as_real(torch.fft.fft(along, dim=-2, norm="forward")).flatten(-2)
        total = values.new_empty(len(values), 2 * self.largest + 1, 2 * width)
        for ours, theirs in (
            (slice(None, width), slice(None, width)),
            (slice(width, None), slice(last, None)),
        ):
            first, *others = across[..., theirs, :].unbind(1)
            torch.mul(first, factors[0, ours], out=total[:, ours])
            for other, factor in zip(others, factors[1:, ours], strict=True):
                total[:, ours].addcmul_(other, factor)
        return total

    def _memory(self, fields: tuple[int, int], like: Tensor) -> tuple[Tensor, Tensor]:
        """Modes with zeros beyond them: along x, and along both axes."""
        rows, columns = self._padded or (like, like)
        shape = (*fields, self.points, self.points // 2 + 1)
        if columns.shape != shape or (columns.dtype, columns.device) != (like.dtype, like.device):
            columns = like.new_zeros(shape)
            rows = like.new_zeros(*shape[:-1], self.largest + 1)
            self._padded = rows, columns
        return rows, columns
