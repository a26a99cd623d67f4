"""2D Darcy flow through two materials, zero on the walls; one frame in, one frame out.

The equation, domain, coefficients and file layout of PDEBench (arXiv 2210.07182, appendix D).
Second order (finite volumes), solved to rounding.
"""

import math

import numpy as np
import torch
from jaxtyping import Float
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from matey_core.fields import Field, FieldSpec, Grid
from matey_core.simulators import SIMULATORS, Batch, Sample
from matey_core.simulators._drawn import Drawn, draw, text
from matey_core.simulators._elliptic import Discretization, solve
from matey_core.simulators._static import StaticConfig, StaticSimulator

WIDEST = 0.5
"""Largest s of a bump exp(−r²/s)."""


@SIMULATORS.register("darcy")
class DarcyConfig(StaticConfig):
    """Settings of Darcy flow; the defaults are the published ones."""

    beta: Drawn = 1.0
    """Uniform source; published are 0.01, 0.1, 1, 10 and 100."""
    low: PositiveFloat = 0.1
    """Coefficient where the random field is below its mean."""
    high: PositiveFloat = 1.0
    """Coefficient where the random field is above its mean."""
    bumps: PositiveInt = 5
    """Bumps that the random field is the sum of."""
    discretization: Discretization = "finite_volume"
    """`published` has arithmetic means at faces and u = 0 half a cell outside the walls."""

    def build(self) -> "Darcy":
        """Make the solver."""
        return Darcy(self)


class Darcy(StaticSimulator):
    """−∇·(a∇u) = β on the unit square, u = 0 on the walls, a of two values."""

    layout = "darcy"
    origin = (0.0, 0.0)

    def __init__(self, config: DarcyConfig) -> None:
        super().__init__(config)
        self.config = config
        self.file = f"2D/DarcyFlow/2D_DarcyFlow_beta{text(config.beta)}_Train.hdf5"
        self.spec = FieldSpec(
            fields=(
                Field(name="diffusion_coefficient", bounds=(0.0, None)),
                Field(name="u"),
            ),
            grid=Grid(
                axes=("x", "y"),
                shape=(config.grid,) * 2,
                spacing=(1 / config.grid,) * 2,
                boundary=("dirichlet",) * 2,
            ),
            time_step=config.interval,
            dataset="2D_DarcyFlow",
        )

    def sample(self, random: np.random.RandomState) -> Sample:
        """Draw the coefficient: a sum of Gaussian bumps, above its mean or below.

        The mean is that over all samples and the square, in closed form: PDEBench takes the
        average over the samples of a file, so that each depends on all the others.
        """
        config = self.config
        centers = random.uniform(size=(2, config.bumps, 1))
        widths = random.uniform(high=WIDEST, size=(config.bumps, 1))
        points = (np.arange(config.grid) + 0.5) / config.grid
        along_x, along_y = np.exp(-((points - centers) ** 2) / widths)
        is_high = along_x.T @ along_y > config.bumps * _mean_of_a_bump()
        coefficient = np.where(is_high, config.high, config.low)
        return Sample(
            state=torch.from_numpy(np.stack([coefficient, np.zeros_like(coefficient)])),
            parameters={
                "beta": draw(config.beta, random),
                "low": config.low,
                "high": config.high,
            },
        )

    def step(
        self, states: Float[Tensor, "b 2 x y"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b 2 x y"]:
        """Solve."""
        config = self.config
        coefficient = states[:, 0]
        solution = solve(
            coefficient,
            batch.parameters["beta"].expand_as(coefficient),
            bounds=(min(config.low, config.high), max(config.low, config.high)),
            discretization=config.discretization,
        )
        return torch.stack([coefficient, solution], 1)


def _mean_of_a_bump() -> float:
    """Mean of exp(−r²/s) over two points of the unit square r apart and over s."""
    nodes, weights = np.polynomial.legendre.leggauss(40)
    # s = w²: smooth where bumps are narrow.
    roots = math.sqrt(WIDEST) * (nodes + 1) / 2
    erf = np.array([math.erf(1 / root) for root in roots])
    line = math.sqrt(math.pi) * roots * erf - roots**2 * -np.expm1(-1 / roots**2)
    return float((weights * line**2 * roots).sum() * math.sqrt(WIDEST) / WIDEST)
