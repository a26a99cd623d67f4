"""2D steady advection–diffusion of a chosen balance, periodic; one frame in, one frame out.

The pretraining system "SYS-2" of arXiv 2306.00258; exact in Fourier space.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.errors import ConfigError
from matey_core.simulators import SIMULATORS, Batch, Sample
from matey_core.simulators import _steady as steady
from matey_core.simulators._drawn import PositiveDrawn, Value, draw, ends, text
from matey_core.simulators._static import StaticSimulator

PROBLEMS = 64
"""Problems that mean ratios are taken over."""
STRENGTHS = np.logspace(-4, 4, 65)
"""λ / (1 − λ) at which mean ratios are known; between them they are interpolated."""

SMALLEST_RATIO, LARGEST_RATIO = 0.01, 100.0
"""Mean ratios well within what `STRENGTHS` reach."""


class _Problem(NamedTuple):
    eigenvalue: float
    tensor: Float[np.ndarray, "2 2"]
    direction: Float[np.ndarray, " 2"]
    amplitudes: Float[np.ndarray, "count count"]


@SIMULATORS.register("advection_diffusion")
class AdvectionDiffusionConfig(steady.SteadyConfig):
    """Settings of steady advection–diffusion; the defaults are the published ones."""

    ratio: PositiveDrawn = (0.2, 1.0)
    """Mean of ‖v·∇u‖ / ‖∇·(K∇u)‖ over problems; a published shift is 1:2."""
    eigenvalue: PositiveDrawn = (1.0, 5.0)
    """Second eigenvalue of the diffusion tensor over the first."""

    def build(self) -> "AdvectionDiffusion":
        """Make the solver.

        Raises:
            ConfigError: a ratio out of reach.
        """
        low, high = ends(self.ratio)
        if low < SMALLEST_RATIO or high > LARGEST_RATIO:
            raise ConfigError(
                f"ratio is {text(self.ratio)}; it must lie between {SMALLEST_RATIO:g} and "
                f"{LARGEST_RATIO:g}."
            )
        return AdvectionDiffusion(self)


class AdvectionDiffusion(StaticSimulator):
    """−∇·(K∇u) + v·∇u = f on the periodic unit square, f and u without mean."""

    origin = steady.ORIGIN

    def __init__(self, config: AdvectionDiffusionConfig) -> None:
        super().__init__(config)
        self.config = config
        self.file = f"2D/AdvectionDiffusion/2D_AdvectionDiffusion_psi{text(config.ratio)}.hdf5"
        self.spec = steady.steady_spec(config, "2D_AdvectionDiffusion")

    def sample(self, random: np.random.RandomState) -> Sample:
        """Draw the balance, the directions and the source.

        As in the published program λ follows from the ratio alone, so that it is the mean
        over problems that hits it: a problem's own ratio is larger or smaller.
        """
        config = self.config
        ratio = draw(config.ratio, random)
        means = mean_ratios(config.eigenvalue, config.bumps)
        strength = np.interp(math.log(ratio), np.log(means), np.log(STRENGTHS))
        share = 1 / (1 + math.exp(-float(strength)))
        eigenvalue, tensor, direction, amplitudes = _draw(config.eigenvalue, config.bumps, random)
        tensor, velocity = (1 - share) * tensor, share * direction
        source = steady.source_on(amplitudes, config.grid)
        return Sample(
            state=steady.start(steady.without_mean(source)),
            parameters={
                "e": eigenvalue,
                "psi": ratio,
                "k11": float(tensor[0, 0]),
                "k12": float(tensor[0, 1]),
                "k22": float(tensor[1, 1]),
                "v1": float(velocity[0]),
                "v2": float(velocity[1]),
            },
        )

    def step(
        self, states: Float[Tensor, "b 2 x y"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b 2 x y"]:
        """Solve."""
        k = steady.waves(states.shape[-1], states.dtype, states.device)
        k11, k12, k22, v1, v2 = (
            batch.parameters[name] for name in ("k11", "k12", "k22", "v1", "v2")
        )
        diffusion = steady.diffusion(k, k11, k12, k22)
        advection = v1 * k.odd_x + v2 * k.odd_y
        return steady.solved(states, steady.inverse(diffusion, advection))


@functools.cache
def mean_ratios(eigenvalue: Value, bumps: int) -> Float[np.ndarray, " strengths"]:
    """Mean ratio at each of `STRENGTHS` over problems of the same settings.

    Args:
        eigenvalue: see `AdvectionDiffusionConfig`.
        bumps: per axis.
    """
    random = np.random.RandomState(0)
    k = steady.waves(steady.PUBLISHED_GRID // 2, torch.float64, torch.device("cpu"))
    total = np.zeros_like(STRENGTHS)
    for _ in range(PROBLEMS):
        problem = _draw(eigenvalue, bumps, random)
        tensor, direction = problem.tensor, problem.direction
        source = steady.source_on(problem.amplitudes, steady.PUBLISHED_GRID // 2)
        power = torch.fft.rfft2(source).abs().square()
        power[:, 1:-1] *= 2
        diffusion = steady.diffusion(k, tensor[0, 0], tensor[0, 1], tensor[1, 1])
        advection = direction[0] * k.odd_x + direction[1] * k.odd_y
        # Without the mean, which neither term has.
        parts = (part.flatten()[1:].numpy() for part in (power, diffusion**2, advection**2))
        total += _ratios(*parts)
    return total / PROBLEMS


def _draw(eigenvalue: Value, bumps: int, random: np.random.RandomState) -> _Problem:
    drawn = draw(eigenvalue, random)
    tensor_angle, velocity_angle = random.uniform(high=2 * math.pi, size=2)
    return _Problem(
        drawn,
        steady.diffusion_tensor(drawn, tensor_angle),
        np.array([math.cos(velocity_angle), math.sin(velocity_angle)]),
        steady.draw_bumps(bumps, random),
    )


def _ratios(
    power: Float[np.ndarray, " modes"],
    diffusion: Float[np.ndarray, " modes"],
    advection: Float[np.ndarray, " modes"],
) -> Float[np.ndarray, " strengths"]:
    """‖v·∇u‖ / ‖∇·(K∇u)‖ at each of `STRENGTHS`, by Parseval's theorem.

    Args:
        power: |f̂|² of each mode.
        diffusion: squares of kᵀKk.
        advection: squares of v·k for a velocity of size 1.
    """
    squares = STRENGTHS[:, None] ** 2
    share = power / (diffusion + squares * advection)
    return STRENGTHS * np.sqrt((share @ advection) / (share @ diffusion))
