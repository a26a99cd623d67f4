"""Steady operators on the periodic unit square, exact in Fourier space (arXiv 2306.00258).

The source is a lattice of Gaussian bumps, a function of position: the same seed gives the
same problem on any grid. What depends on all of a field (its largest value, say) is taken on
the published grid, whatever the grid in use.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Complex, Float
from pydantic import PositiveInt
from torch import Tensor

from matey_core.fields import Field, FieldSpec, Grid
from matey_core.simulators._static import StaticConfig

PUBLISHED_GRID = 128
SCALE = 0.01
"""Size of the published diffusion tensors."""
SMALLEST, LARGEST = 1e-3, 1.0
"""Amplitudes of bumps."""
EMPTY = (0.2, 0.4, 0.6, 0.8)
"""Probabilities that a bump is switched off."""
ORIGIN = (0.0, 0.0)

Inverse = Float[Tensor, "*b x k"] | Complex[Tensor, "*b x k"]
"""What the waves of a source are multiplied by."""


class SteadyConfig(StaticConfig):
    """Settings of a steady operator; the defaults are the published ones."""

    bumps: PositiveInt = 12
    """Bumps per axis of the source; 6, twice as wide, are published for a grid of 32."""


class SteadyWaves(NamedTuple):
    """Wavenumbers of a real transform.

    Those of odd derivatives are 0 where a grid of even size cannot tell a wave from its
    mirror image.
    """

    x: Float[Tensor, "x 1"]
    y: Float[Tensor, "1 k"]
    odd_x: Float[Tensor, "x 1"]
    odd_y: Float[Tensor, "1 k"]


def steady_spec(config: SteadyConfig, dataset: str) -> FieldSpec:
    """Source and solution on the periodic unit square."""
    return FieldSpec(
        fields=(Field(name="source"), Field(name="solution")),
        grid=Grid(
            axes=("x", "y"),
            shape=(config.grid,) * 2,
            spacing=(1 / config.grid,) * 2,
            boundary=("periodic",) * 2,
        ),
        time_step=config.interval,
        dataset=dataset,
    )


def draw_bumps(count: int, random: np.random.RandomState) -> Float[np.ndarray, "count count"]:
    """Draw amplitudes, many of them 0."""
    empty = EMPTY[random.randint(len(EMPTY))]
    while True:
        is_on = random.uniform(size=(count, count)) > empty
        amplitudes = random.uniform(SMALLEST, LARGEST, size=(count, count))
        if is_on.any():
            return amplitudes * is_on


def source_on(amplitudes: Float[np.ndarray, "count count"], grid: int) -> Float[Tensor, "x y"]:
    """Evaluate a source at cell centres, divided by its maximum; its mean is kept."""
    values = _bumps(amplitudes, grid) / _bumps(amplitudes, PUBLISHED_GRID).max()
    return torch.from_numpy(values)


def without_mean(values: Float[Tensor, "x y"]) -> Float[Tensor, "x y"]:
    """Remove what no periodic solution can balance."""
    return values - values.mean()


def start(source: Float[Tensor, "x y"]) -> Float[Tensor, "2 x y"]:
    """Put a solution of zero beside a source."""
    return torch.stack([source, torch.zeros_like(source)])


def diffusion_tensor(second: float, angle: float) -> Float[np.ndarray, "2 2"]:
    """K = 0.01 Rᵀ diag(1, second) R with a rotation R by `angle`."""
    cosine, sine = math.cos(angle), math.sin(angle)
    rotation = np.array([[cosine, -sine], [sine, cosine]])
    return SCALE * rotation.T @ np.diag([1.0, second]) @ rotation


@functools.lru_cache(maxsize=16)
def waves(size: int, dtype: torch.dtype, device: torch.device) -> SteadyWaves:
    """Give k = 2πm of a grid on the unit square."""
    full = 2 * math.pi * torch.fft.fftfreq(size, 1 / size, dtype=torch.float64)
    half = 2 * math.pi * torch.fft.rfftfreq(size, 1 / size, dtype=torch.float64)
    highest = math.pi * size
    parts = (full[:, None], half[None])
    odd = (torch.where(part.abs() == highest, 0.0, part) for part in parts)
    return SteadyWaves(*(part.to(device, dtype) for part in (*parts, *odd)))


def diffusion(
    k: SteadyWaves, k11: float | Tensor, k12: float | Tensor, k22: float | Tensor
) -> Float[Tensor, "*b x k"]:
    """Symbol kᵀKk of −∇·(K∇)."""
    return k11 * k.x**2 + 2 * k12 * (k.odd_x * k.odd_y) + k22 * k.y**2


def inverse(even: Float[Tensor, "*b x k"], odd: Float[Tensor, "*b x k"] | None = None) -> Inverse:
    """1 / (even + i odd), and 0 where that vanishes: such modes are removed.

    Args:
        even: symbol of the even derivatives, at `waves`.
        odd: symbol of the odd ones.
    """
    if odd is None:
        return torch.where(even == 0, 0.0, even.reciprocal())
    square = even * even + odd * odd
    scale = torch.where(square == 0, 0.0, square.reciprocal())
    return torch.complex(even * scale, odd * -scale)


def solved(states: Float[Tensor, "b 2 x y"], inverse: Inverse) -> Float[Tensor, "b 2 x y"]:
    """Put the solution beside the source.

    Args:
        states: (b, 2, x, y) source, and a solution that is not read.
        inverse: of each sample's operator.
    """
    source = states[:, 0]
    if source.is_cuda:
        return torch.stack([source, solve(source, inverse)], 1)
    # One by one: on a CPU the rounding of a transform depends on where in memory it begins.
    states = states.clone()
    for index, values in enumerate(source):
        states[index, 1] = solve(values.clone(), inverse[index])
    return states


def solve(source: Float[Tensor, "*b x y"], inverse: Inverse) -> Float[Tensor, "*b x y"]:
    """Multiply the waves of sources by the inverse of an operator."""
    return torch.fft.irfft2(torch.fft.rfft2(source).mul_(inverse), s=source.shape[-2:])


def _bumps(amplitudes: Float[np.ndarray, "count count"], grid: int) -> Float[np.ndarray, "x y"]:
    """Sum Gaussians of width σ = 3/8 / count, 2σ apart, about the middle of the square."""
    count = len(amplitudes)
    width = 3 / (8 * count)
    centers = 0.5 + 2 * width * (np.arange(count) - (count - 1) / 2)
    points = (np.arange(grid) + 0.5) / grid
    along = np.exp(-((points[:, None] - centers) ** 2) / (2 * width**2))
    return along @ amplitudes @ along.T
