"""Starts of PDEBench's 1D scalars: sums of sines, some folded, some seen through a window.

arXiv 2210.07182, appendix D, as the published files have it: eight sines of which two picks get
a wavenumber from 1 to 8. The others are left with wavenumber 0 and add a constant; a wavenumber
that is picked twice is doubled. A tenth of the starts is folded by |·|, with either sign; a tenth
is windowed.
"""

import functools
import math

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.fields import Field, FieldSpec, Grid
from matey_core.simulators._lanes import apply

SINES, PICKS = 8, 2
FOLDED, WINDOWED = 0.1, 0.1
LEFT, RIGHT, RAMP = (0.1, 0.45), (0.55, 0.9), 0.01
"""Where a window begins and ends, and the width of its ramps."""
SHIFT = 0
"""Place of the distance that a start has moved along x."""
POINTS = 1024
"""Points that a start is sampled at, at least: the published number of cells."""


def spec(
    field: Field, grid: int, interval: float, dataset: str, *, directed: tuple[str, ...] = ()
) -> FieldSpec:
    """Describe a scalar on the periodic line (0, 1)."""
    return FieldSpec(
        fields=(field,),
        grid=Grid(
            axes=("x",),
            shape=(grid,),
            spacing=(1 / grid,),
            boundary=("periodic",),
            directed=directed,
        ),
        time_step=interval,
        dataset=dataset,
    )


def draw_start(random: np.random.RandomState) -> Float[Tensor, " numbers"]:
    """Draw the numbers that describe one start, in float64, as `averages` takes them.

    Args:
        random: gives the same count of numbers whatever is drawn.
    """
    picks = random.randint(SINES, size=PICKS)
    amplitudes = random.uniform(0, 1, SINES)
    phases = random.uniform(0, 2 * math.pi, SINES)
    folded, windowed = random.uniform(0, 1, 2) < (FOLDED, WINDOWED)
    sign = 2 * random.randint(2) - 1
    window = random.uniform(*LEFT), random.uniform(*RIGHT)
    wavenumbers = np.bincount(picks, minlength=SINES) * np.arange(1, SINES + 1)
    flat = wavenumbers == 0
    offset = (amplitudes[flat] * np.sin(phases[flat])).sum()
    waves = np.zeros((PICKS, 3))
    waves[: SINES - flat.sum()] = np.stack([wavenumbers, amplitudes, phases], 1)[~flat]
    # A window from -1 to 2 is 1 on the whole domain, to the last bit.
    numbers = [0.0, offset, folded, sign, *(window if windowed else (-1.0, 2.0))]
    return torch.tensor([*numbers, *waves.ravel()], dtype=torch.float64)


def averages(start: Float[Tensor, "b numbers"], cells: int) -> Float[Tensor, "b cells"]:
    """Average starts over cells of the periodic domain (0, 1), in float64.

    The midpoint rule at `POINTS` points or more: with so many cells, values at their centers,
    as published; with fewer, the mean stays wherever the start has moved.

    Args:
        start: (b, numbers) from `draw_start`, `SHIFT` changed at will.
        cells: how many.
    """
    points = cells * math.ceil(POINTS / cells)
    values = _values(start.double(), _centers(points, start.device))
    return values.reshape(len(values), cells, -1).mean(-1)


def _values(
    start: Float[Tensor, "b numbers"], positions: Float[Tensor, " points"]
) -> Float[Tensor, "b points"]:
    shift, offset, folded, sign, left, right, *waves = start[..., None].unbind(1)
    x = torch.remainder(positions - shift, 1.0)
    total = offset.expand_as(x)
    for first in range(0, len(waves), 3):
        wavenumber, amplitude, phase = waves[first : first + 3]
        total = total + amplitude * apply(torch.sin, 2 * math.pi * wavenumber * x + phase)
    total = sign * torch.where(folded > 0, total.abs(), total)
    begun, ended = (apply(torch.tanh, (x - edge) / RAMP) for edge in (left, right))
    return total * (begun - ended) / 2


@functools.cache
def _centers(points: int, device: torch.device) -> Float[Tensor, " points"]:
    return (torch.arange(points, dtype=torch.float64, device=device) + 0.5) / points
