"""A linear map that mixes a grid's lowest waves, and the waves of a grid (arXiv 2010.08895).

Bounded axes are continued by zeros before their waves are measured, as is usual. Since only few
waves are kept, the truncated transforms are products with small matrices, in float32: exact for
any number of points, and faster than a fast Fourier transform here.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from einops import rearrange
from jaxtyping import Float, Int
from torch import Tensor, nn

from matey_core.fields import Grid
from matey_core.tokens import remember

MARGIN = 4
"""Bounded axes are continued by 1/MARGIN of their points."""
FIRST_GAIN = 0.2
"""What a spectral layer multiplies the size of its input by before it has learned anything."""


class SpectralLayer(nn.Module):
    """A matrix for every wave that is kept; others are cut off.

    Weights are real: the last but one axis holds real and imaginary part, so that every
    optimizer, file format and average over processes takes them as they are.
    """

    def __init__(self, width: int, *, axes: int, modes: int) -> None:
        """Draw the weights.

        Args:
            width: channels in and out.
            axes: number of space axes.
            modes: wavenumbers 0 to modes − 1 of the last axis, −modes to modes − 1 of others.
        """
        super().__init__()
        waves = (2 * modes,) * (axes - 1) + (modes,)
        spread = FIRST_GAIN / (2 * width) ** 0.5
        self.weight = nn.Parameter(spread * torch.randn(*waves, width, 2, width))

    def forward(self, x: Float[Tensor, "b *space i"], waves: "Waves") -> Tensor:
        """(b, *space, i) → (b, *space, o), in float32 also inside autocast."""
        with torch.autocast(x.device.type, enabled=False):
            parts = waves.measure(x.float())
            weight = self.weight[waves.kept].flatten(0, -4)  # (waves, i, 2, o)
            return waves.restore(_product(parts, weight))


def _product(
    parts: Float[Tensor, "b *kept 2 m i"], weight: Float[Tensor, "k i 2 o"]
) -> Float[Tensor, "b *kept 2 m o"]:
    """Complex matrix product of every wave, by one real product."""
    kept, modes = parts.shape[1:-3], parts.shape[-2]
    rows = rearrange(parts, "b ... s m i -> (... m) (b s) i")
    answers = torch.bmm(rows, weight.flatten(2))
    products = rearrange(answers, "k (b s) (r o) -> s r b k o", s=2, r=2).flatten(0, 1)
    real_real, real_imaginary, imaginary_real, imaginary_imaginary = products
    both = [real_real - imaginary_imaginary, real_imaginary + imaginary_real]
    return torch.stack(both, dim=1).unflatten(2, (*kept, modes)).movedim(1, -3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waves:
    """The waves that are kept of a grid, and the matrices that measure and restore them.

    Real and imaginary parts are an axis of two beside the axis that is transformed.
    """

    kept: tuple[slice, ...]
    """Which of a layer's weights they have."""
    ahead: tuple[Float[Tensor, "_kk _nn"], ...]
    """Of all axes but the last: points to waves, rows (k, 2), columns (n, 2)."""
    back: tuple[Float[Tensor, "_nn _kk"], ...]
    """Of all axes but the last: waves to points."""
    ahead_last: Float[Tensor, "_mm _n"]
    """Of the last axis: real points to waves, rows (2, m)."""
    back_last: Float[Tensor, "_n _mm"]

    @classmethod
    def of(cls, grid: Grid, modes: int, device: torch.device, *, beyond: int = 0) -> "Waves":
        """Choose the waves and compute the matrices.

        Args:
            grid: says how many points and which boundary each axis has.
            modes: wavenumbers that the weights have; fewer where the grid has fewer.
            device: of the matrices.
            beyond: points to restore beyond each end of every axis, as `nn.padding.surround`
                continues a grid.
        """
        return _waves((grid.shape, grid.periodic, modes, beyond), device)

    def measure(self, x: Float[Tensor, "b *space d"]) -> Float[Tensor, "b *kept 2 m d"]:
        """Amplitudes of the waves, as of a Fourier series: the same on a finer grid."""
        parts = (self.ahead_last @ x).unflatten(-2, (2, -1))
        for axis, matrix in reversed(list(enumerate(self.ahead, start=1))):
            parts = _along(axis, matrix, parts)
        return parts

    def restore(self, parts: Float[Tensor, "b *kept 2 m d"]) -> Float[Tensor, "b *space d"]:
        """Sum up the waves at every point of the grid."""
        for axis, matrix in enumerate(self.back, start=1):
            parts = _along(axis, matrix, parts)
        return self.back_last @ parts.flatten(-3, -2)


def num_waves(shape: tuple[int, ...], periodic: tuple[bool, ...], modes: int) -> tuple[int, ...]:
    """Number of waves that are kept along each axis; see `Waves.of`."""
    *others, (_, last) = _periods(shape, periodic)
    both = (min(modes, period // 2) + min(modes, (period + 1) // 2) for _, period in others)
    return (*both, min(modes, last // 2 + 1))


def _periods(shape: tuple[int, ...], periodic: tuple[bool, ...]) -> list[tuple[int, int]]:
    """Points of each axis, and after how many of them its waves repeat."""
    return [
        (points, points if wraps else points + max(1, points // MARGIN))
        for points, wraps in zip(shape, periodic, strict=True)
    ]


@remember
def _waves(key: tuple[tuple[int, ...], tuple[bool, ...], int, int], device: torch.device) -> Waves:
    """Waves of a shape, by which axes wrap around, `modes` and `beyond`; see `Waves.of`."""
    shape, wraps, modes, beyond = key
    kept, ahead, back = [], [], []
    *others, last = _periods(shape, wraps)
    *rows, last_rows = _rows(shape, wraps, beyond, device)
    for (points, period), row in zip(others, rows, strict=True):
        low, high = min(modes, period // 2), min(modes, (period + 1) // 2)
        kept.append(slice(modes - low, modes + high))
        cosine, sine = _angles(range(-low, high), points, period, device)
        ahead.append(_complex(cosine / period, -sine / period))
        back.append(_complex(cosine.T[row], sine.T[row]))
    points, period = last
    number = min(modes, period // 2 + 1)
    kept.append(slice(number))
    cosine, sine = _angles(range(number), points, period, device)
    twice = torch.full((number, 1), 2.0, dtype=torch.float64, device=device)
    twice[0] = 1.0  # other waves stand for their complex conjugates as well,
    if 2 * (number - 1) == period:
        twice[-1] = 1.0  # but not the shortest possible one
    return Waves(
        kept=tuple(kept),
        ahead=tuple(ahead),
        back=tuple(back),
        ahead_last=(torch.cat([cosine, -sine]) / period).float(),
        back_last=torch.cat([twice * cosine, -twice * sine]).T[last_rows].float(),
    )


def _rows(
    shape: tuple[int, ...], periodic: tuple[bool, ...], beyond: int, device: torch.device
) -> Iterator[Int[Tensor, " _n"]]:
    """Which points of each axis are restored, in order."""
    for points, wraps in zip(shape, periodic, strict=True):
        index = torch.arange(-beyond, points + beyond, device=device)
        yield index % points if wraps else index.clamp(0, points - 1)


def _along(axis: int, matrix: Float[Tensor, "_kk _nn"], parts: Tensor) -> Tensor:
    """Transform one axis of (b, *axes, 2, m, d), with a matrix for pairs of real numbers."""
    paired = parts.movedim(-3, axis + 1)
    shape = paired.shape
    columns = paired.reshape(math.prod(shape[:axis]), 2 * shape[axis], -1)
    answer = (matrix @ columns).reshape(*shape[:axis], -1, *shape[axis + 1 :])
    return answer.movedim(axis + 1, -3)


def _complex(real: Tensor, imaginary: Tensor) -> Float[Tensor, "_kk _nn"]:
    """Write a complex matrix (k, n) as a real one that acts on (real, imaginary) pairs."""
    rows = torch.stack([torch.stack([real, -imaginary], -1), torch.stack([imaginary, real], -1)], 1)
    return rows.flatten(2).flatten(0, 1).float()


def _angles(
    numbers: range, points: int, period: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Cosine and sine of 2π k n / period in float64, (wavenumbers, points)."""
    wave = torch.arange(numbers.start, numbers.stop, device=device).unsqueeze(1)
    turns = wave * torch.arange(points, device=device) % period  # whole numbers: no digit is lost
    angle = 2 * math.pi / period * turns.double()
    return angle.cos(), angle.sin()
