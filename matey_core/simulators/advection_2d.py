"""2D advection, periodic, from plane waves: exact.

The equation, domain, start and ranges of arXiv 2406.08473, in Fourier space.
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
from matey_core.simulators._lanes import apply
from matey_core.simulators._plane_waves import LEFT, draw_waves, evaluate, spec, wavenumbers


@SIMULATORS.register("advection_2d")
class Advection2dConfig(SimulatorConfig):
    """Settings of 2D advection. Small models learn the range 0.1:0.6, not the published one."""

    grid: PositiveInt = 64
    """Cells along each axis."""
    interval: PositiveFloat = 0.02
    """Time between two frames."""
    ax: Drawn = (0.1, 2.5)
    """Speed along x."""
    ay: Drawn = (0.1, 2.5)
    """Speed along y."""

    def build(self) -> "Advection2d":
        """Make the solver."""
        return Advection2d(self)


class Advection2d(ExactSimulator):
    """Concentration u on [−1, 1]², periodic: u_t + a·∇u = 0.

    What is stepped are the amplitudes of the plane waves, each of which turns on its own.
    """

    origin = (LEFT, LEFT)
    conserved = ("concentration",)

    def __init__(self, config: Advection2dConfig) -> None:
        super().__init__(config)
        self.config = config
        self.file = f"2D/Advection/2D_Advection_ax{text(config.ax)}_ay{text(config.ay)}.hdf5"
        self.keys = {"concentration": "tensor"}
        self.spec = spec(
            known_field("concentration"),
            config.grid,
            config.interval,
            "2D_Advection",
            directed=("x", "y"),
        )

    def sample(self, random: np.random.RandomState) -> Sample:
        """Draw a start and its velocity."""
        waves = draw_waves(random)
        velocity = {"ax": draw(self.config.ax, random), "ay": draw(self.config.ay, random)}
        return Sample(state=waves, parameters=velocity)

    def step(
        self, states: Float[Tensor, "b 2 p q"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b 2 p q"]:
        """Turn every wave by −(k·a) dt."""
        numbers = wavenumbers(states.device)
        ax, ay = (batch.parameters[name][..., None].double() for name in ("ax", "ay"))
        angle = (numbers[:, None] * ax + numbers * ay) * -dt
        cosine, sine = (apply(f, angle)[:, 0].to(states.dtype) for f in (torch.cos, torch.sin))
        real, imaginary = states.unbind(1)
        return torch.stack(
            [real * cosine - imaginary * sine, real * sine + imaginary * cosine], dim=1
        )

    def observe(self, states: Float[Tensor, "b 2 p q"], batch: Batch) -> Float[Tensor, "b 1 x y"]:
        """Sum the waves at the centers of the cells."""
        return evaluate(states, self.config.grid)
