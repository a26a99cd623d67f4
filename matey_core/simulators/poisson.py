"""2D Poisson equation with a random diffusion tensor, periodic; one frame in, one frame out.

The pretraining system "SYS-1" of arXiv 2306.00258; exact in Fourier space.
"""

import math

import numpy as np
from jaxtyping import Float
from torch import Tensor

from matey_core.simulators import SIMULATORS, Batch, Sample
from matey_core.simulators import _steady as steady
from matey_core.simulators._drawn import PositiveDrawn, draw, text
from matey_core.simulators._static import StaticSimulator


@SIMULATORS.register("poisson")
class PoissonConfig(steady.SteadyConfig):
    """Settings of the Poisson equation; the defaults are the published ones."""

    eigenvalue: PositiveDrawn = (1.0, 5.0)
    """Second eigenvalue of the diffusion tensor over the first; published shifts are
    1:2.5, 2.5:7.5, 5:10 and 10:20."""

    def build(self) -> "Poisson":
        """Make the solver."""
        return Poisson(self)


class Poisson(StaticSimulator):
    """−∇·(K∇u) = f on the periodic unit square, f and u without mean."""

    origin = steady.ORIGIN

    def __init__(self, config: PoissonConfig) -> None:
        super().__init__(config)
        self.config = config
        self.file = f"2D/Poisson/2D_Poisson_e{text(config.eigenvalue)}.hdf5"
        self.spec = steady.steady_spec(config, "2D_Poisson")

    def sample(self, random: np.random.RandomState) -> Sample:
        """Draw the diffusion tensor and the source."""
        config = self.config
        eigenvalue = draw(config.eigenvalue, random)
        tensor = steady.diffusion_tensor(eigenvalue, random.uniform(high=2 * math.pi))
        source = steady.source_on(steady.draw_bumps(config.bumps, random), config.grid)
        return Sample(
            state=steady.start(steady.without_mean(source)),
            parameters={
                "e": eigenvalue,
                "k11": float(tensor[0, 0]),
                "k12": float(tensor[0, 1]),
                "k22": float(tensor[1, 1]),
            },
        )

    def step(
        self, states: Float[Tensor, "b 2 x y"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b 2 x y"]:
        """Solve."""
        k = steady.waves(states.shape[-1], states.dtype, states.device)
        constants = (batch.parameters[name] for name in ("k11", "k12", "k22"))
        return steady.solved(states, steady.inverse(steady.diffusion(k, *constants)))
