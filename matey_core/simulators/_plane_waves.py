"""Sums of plane waves on [−1, 1]², periodic: the starts of arXiv 2406.08473, appendix A.

They are kept as the complex amplitudes c of e^{iπ(p x + q y)}, with wavenumbers p and q from 1
to 3; the field is their imaginary part. Linear equations only turn and shrink them.
"""

import functools
import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.fields import Field, FieldSpec, Grid

LEFT, RIGHT = -1.0, 1.0
WAVES, LARGEST = 5, 3
"""Plane waves of a start, and the largest wavenumber along an axis."""


def spec(
    field: Field, grid: int, interval: float, dataset: str, *, directed: tuple[str, ...] = ()
) -> FieldSpec:
    """Describe a scalar on [−1, 1]², x first as in published files."""
    return FieldSpec(
        fields=(field,),
        grid=Grid(
            axes=("x", "y"),
            shape=(grid, grid),
            spacing=((RIGHT - LEFT) / grid,) * 2,
            boundary=("periodic",) * 2,
            directed=directed,
        ),
        time_step=interval,
        dataset=dataset,
    )


def draw_waves(random: np.random.RandomState) -> Float[Tensor, "2 p q"]:
    """Draw five plane sines: real and imaginary parts of c, in float64.

    Args:
        random: gives amplitudes U(−½, ½), wavenumbers, and phases U(0, 2π).
    """
    amplitudes = random.uniform(-0.5, 0.5, WAVES)
    numbers = random.randint(LARGEST, size=(2, WAVES))
    phases = random.uniform(0, 2 * math.pi, WAVES)
    waves = np.zeros((LARGEST, LARGEST), complex)
    np.add.at(waves, (numbers[0], numbers[1]), amplitudes * np.exp(1j * phases))
    return torch.from_numpy(np.stack([waves.real, waves.imag]))


def wavenumbers(device: torch.device) -> Float[Tensor, " p"]:
    """Give πp for p = 1, 2, 3, in float64."""
    return math.pi * torch.arange(1, LARGEST + 1, dtype=torch.float64, device=device)


def evaluate(waves: Float[Tensor, "b 2 p q"], grid: int) -> Float[Tensor, "b 1 x y"]:
    """Give the field at the centers of grid × grid cells.

    Args:
        waves: (b, 2, p, q) real and imaginary parts of c.
        grid: cells along each axis.
    """
    cosine, sine = _tables(grid, waves.dtype, waves.device)
    # Sums over q, term by term: a matrix product would round differently in other batches.
    terms = [
        waves[:, :, :, q, None, None] * torch.stack([cosine[q], sine[q]]) for q in range(LARGEST)
    ]
    real, imaginary = (terms[0] + terms[1] + terms[2]).unbind(1)  # (b, p, 2, y)
    in_phase = real[:, :, 0] - imaginary[:, :, 1]
    ahead = real[:, :, 1] + imaginary[:, :, 0]
    left = torch.cat([sine, cosine]).T.expand(len(waves), -1, -1)
    return torch.bmm(left, torch.cat([in_phase, ahead], 1))[:, None]


@functools.cache
def _tables(
    grid: int, dtype: torch.dtype, device: torch.device
) -> tuple[Float[Tensor, "p x"], Float[Tensor, "p x"]]:
    """Cosine and sine of πp x at the centers of cells."""
    x = LEFT + (RIGHT - LEFT) * (np.arange(grid) + 0.5) / grid
    angles = math.pi * np.arange(1, LARGEST + 1)[:, None] * x
    cosine, sine = (torch.from_numpy(f(angles)).to(device, dtype) for f in (np.cos, np.sin))
    return cosine, sine
