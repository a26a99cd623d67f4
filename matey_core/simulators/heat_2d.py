"""2D heat equation, periodic, from plane waves: exact.

The equation, domain, start and ranges of arXiv 2406.08473, in Fourier space.
"""

import numpy as np
import torch
from jaxtyping import Float
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from matey_core.quantities import known_field
from matey_core.simulators import SIMULATORS, Batch, Sample, SimulatorConfig
from matey_core.simulators._drawn import NonNegativeDrawn, draw, text
from matey_core.simulators._exact import ExactSimulator
from matey_core.simulators._lanes import apply
from matey_core.simulators._plane_waves import LEFT, draw_waves, evaluate, spec, wavenumbers


@SIMULATORS.register("heat_2d")
class Heat2dConfig(SimulatorConfig):
    """Settings of the 2D heat equation."""

    grid: PositiveInt = 64
    """Cells along each axis."""
    interval: PositiveFloat = 0.02
    """Time between two frames."""
    nu: NonNegativeDrawn = (2e-3, 2e-2)
    """Diffusion coefficient."""

    def build(self) -> "Heat2d":
        """Make the solver."""
        return Heat2d(self)


class Heat2d(ExactSimulator):
    """Temperature u on [−1, 1]², periodic: u_t = ν Δu.

    What is stepped are the amplitudes of the plane waves, each of which decays on its own.
    """

    origin = (LEFT, LEFT)
    conserved = ("temperature",)

    def __init__(self, config: Heat2dConfig) -> None:
        super().__init__(config)
        self.config = config
        self.file = f"2D/Heat/2D_Heat_nu{text(config.nu)}.hdf5"
        self.keys = {"temperature": "tensor"}
        self.spec = spec(known_field("temperature"), config.grid, config.interval, "2D_Heat")

    def sample(self, random: np.random.RandomState) -> Sample:
        """Draw a start and its diffusion coefficient."""
        waves = draw_waves(random)
        return Sample(state=waves, parameters={"nu": draw(self.config.nu, random)})

    def step(
        self, states: Float[Tensor, "b 2 p q"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b 2 p q"]:
        """Shrink every wave by e^(−ν |k|² dt)."""
        squares = wavenumbers(states.device).square()
        rate = batch.parameters["nu"][..., None].double() * (squares[:, None] + squares)
        return states * apply(torch.exp, rate * -dt).to(states.dtype)

    def observe(self, states: Float[Tensor, "b 2 p q"], batch: Batch) -> Float[Tensor, "b 1 x y"]:
        """Sum the waves at the centers of the cells."""
        return evaluate(states, self.config.grid)
