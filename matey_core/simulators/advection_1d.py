"""1D advection, periodic, from sums of sines: exact.

The equation, domain, start and file layout of PDEBench (arXiv 2210.07182, appendix D).
"""

import numpy as np
import torch
from jaxtyping import Float
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from matey_core.quantities import known_field
from matey_core.simulators import SIMULATORS, Batch, Sample, SimulatorConfig
from matey_core.simulators._drawn import Drawn, draw, text
from matey_core.simulators._exact import ExactSimulator
from matey_core.simulators._sine_starts import SHIFT, averages, draw_start, spec


@SIMULATORS.register("advection_1d")
class Advection1dConfig(SimulatorConfig):
    """Settings of 1D advection; the defaults are published ones."""

    grid: PositiveInt = 1024
    """Cells along x."""
    frames: PositiveInt = 201
    """Frames of a trajectory, the start included."""
    interval: PositiveFloat = 0.01
    """Time between two frames."""
    beta: Drawn = 0.1
    """Speed; published: 0.1, 0.2, 0.4, 0.7, 1, 2, 4, 7."""

    def build(self) -> "Advection1d":
        """Make the solver."""
        return Advection1d(self)


class Advection1d(ExactSimulator):
    """Concentration u on (0, 1), periodic: u_t + β u_x = 0.

    The start is a function of x, so its values at x − βt are the solution. What is stepped
    are the numbers that describe the start, of which one is the distance it has moved.
    """

    origin = (0.0,)
    conserved = ("concentration",)

    def __init__(self, config: Advection1dConfig) -> None:
        super().__init__(config)
        self.config = config
        self.file = f"1D/Advection/Train/1D_Advection_Sols_beta{text(config.beta)}.hdf5"
        self.keys = {"concentration": "tensor"}
        self.spec = spec(
            known_field("concentration"),
            config.grid,
            config.interval,
            "1D_Advection",
            directed=("x",),
        )

    def sample(self, random: np.random.RandomState) -> Sample:
        """Draw a start and its speed."""
        start = draw_start(random)
        return Sample(state=start[None], parameters={"beta": draw(self.config.beta, random)})

    def step(
        self, states: Float[Tensor, "b 1 numbers"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b 1 numbers"]:
        """Move the starts."""
        distance = batch.parameters["beta"][..., None].double() * dt
        moved = states.clone()
        place = moved.narrow(-1, SHIFT, 1)
        place.copy_(torch.remainder(place + distance, 1))
        return moved

    def observe(self, states: Float[Tensor, "b 1 numbers"], batch: Batch) -> Float[Tensor, "b 1 x"]:
        """Evaluate the starts where they have moved to."""
        return averages(states[:, 0], self.config.grid)[:, None].to(states.dtype)
