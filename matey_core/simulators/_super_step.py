"""Many explicit stages that make one long, stable step of diffusion: the method RKL2.

C. D. Meyer, D. S. Balsara and T. D. Aslam, A stabilized Runge–Kutta–Legendre method for
explicit super-time-stepping of parabolic and mixed equations, J. Comput. Phys. 257 (2014).
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

LEAST = 3
"""Stages from which odd numbers of them damp every wave."""


class Stage(NamedTuple):
    """How one stage follows from those before it."""

    last: float
    before_last: float
    rate: float
    first_rate: float


def reach(stages: int) -> float:
    """Longest stable step in units of forward Euler's."""
    return (stages * stages + stages - 2) / 4


def stages_for(ratio: float) -> int:
    """Odd number of stages whose `reach` is at least `ratio`."""
    count = max(LEAST, math.ceil((math.sqrt(9 + 16 * ratio) - 1) / 2))
    return count + 1 - count % 2


def super_step(
    rate: Callable[[Float[Tensor, "*shape"] | None], Float[Tensor, "*shape"]], stages: int
) -> Float[Tensor, "*shape"]:
    """Take one second-order step, and give by how much it changes the state.

    Args:
        rate: the time derivative times the step, from the change so far; None is no change.
            Where it is zero the change is exactly zero.
        stages: number of evaluations.
    """
    first, *others = _coefficients(stages)
    first_rate = rate(None)
    before = first_rate.new_zeros(())
    change = first_rate * first.rate
    for stage in others:
        following = rate(change).mul_(stage.rate)
        following.add_(first_rate, alpha=stage.first_rate)
        following.add_(change, alpha=stage.last).add_(before, alpha=stage.before_last)
        before, change = change, following
    return change


def _coefficients(stages: int) -> list[Stage]:
    """Equations 15 to 17 of the paper, for changes of the state instead of the state."""
    b = [1 / 3] * 3 + [(j * j + j - 2) / (2 * j * (j + 1)) for j in range(3, stages + 1)]
    width = 4 / (stages * stages + stages - 2)
    rows = [Stage(0.0, 0.0, b[1] * width, 0.0)]
    for j in range(2, stages + 1):
        last = (2 * j - 1) / j * b[j] / b[j - 1]
        before_last = -(j - 1) / j * b[j] / b[j - 2]
        rows.append(Stage(last, before_last, last * width, -(1 - b[j - 1]) * last * width))
    return rows
