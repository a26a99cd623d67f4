"""1D viscous Burgers equation, periodic, from sums of sines.

The equation, domain, start and file layout of PDEBench (arXiv 2210.07182, appendix D).
Second order: MUSCL–Hancock finite volumes between halves of which diffusion is solved exactly
(Strang splitting).
"""

import math

import numpy as np
import torch
from jaxtyping import Float
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from matey_core.quantities import known_field
from matey_core.simulators import SIMULATORS, Batch, Sample, Simulator, SimulatorConfig
from matey_core.simulators._diffusion import diffuse_line_, roughness
from matey_core.simulators._drawn import NonNegativeDrawn, draw, text
from matey_core.simulators._scratch import Scratch
from matey_core.simulators._sine_starts import averages, draw_start, spec
from matey_core.simulators._upwind import transport_

COURANT = 0.8
"""Cells that the fastest value crosses in each half step; the limit is 1."""
SMOOTHING = 0.2
"""Share of the largest value that diffusion may change in a step: splitting is accurate then."""


@SIMULATORS.register("burgers_1d")
class Burgers1dConfig(SimulatorConfig):
    """Settings of the 1D Burgers solver; the defaults are published ones."""

    grid: PositiveInt = 1024
    """Cells along x."""
    frames: PositiveInt = 201
    """Frames of a trajectory, the start included."""
    interval: PositiveFloat = 0.01
    """Time between two frames."""
    nu: NonNegativeDrawn = 0.01
    """π times the viscosity; published: 0.001, 0.002, 0.004, 0.01, … 4."""

    def build(self) -> "Burgers1d":
        """Make the solver."""
        return Burgers1d(self)


class Burgers1d(Simulator):
    """Velocity u on (0, 1), periodic: u_t + (u²/2)_x = (Nu/π) u_xx."""

    origin = (0.0,)

    def __init__(self, config: Burgers1dConfig) -> None:
        super().__init__(config)
        self.config = config
        self._scratch = Scratch()
        self.file = f"1D/Burgers/Train/1D_Burgers_Sols_Nu{text(config.nu)}.hdf5"
        self.keys = {"velocity_x": "tensor"}
        self.spec = spec(known_field("velocity_x"), config.grid, config.interval, "1D_Burgers")

    def sample(self, random: np.random.RandomState) -> Sample:
        """Draw a start and its viscosity."""
        start = averages(draw_start(random)[None], self.config.grid)
        return Sample(state=start, parameters={"Nu": draw(self.config.nu, random)})

    def stable_step(self, states: Float[Tensor, "b 1 x"], batch: Batch) -> Float[Tensor, " b"]:
        """Limit what crosses a cell in half a step, and what diffuses in a step."""
        (spacing,) = self.spec.grid.spacing
        crossing = states.abs().amax((1, 2)) / (2 * COURANT * spacing)
        diffusing = roughness(states, (self._diffusion(batch) / spacing**2,)) / SMOOTHING
        tiny = torch.finfo(states.dtype).tiny
        return 1 / torch.maximum(crossing, diffusing).clamp(min=tiny)

    def step(
        self, states: Float[Tensor, "b 1 x"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b 1 x"]:
        """Move half a step, diffuse a whole one, move another half."""
        (spacing,) = self.spec.grid.spacing
        half = torch.as_tensor(dt / (2 * spacing), dtype=states.dtype, device=states.device)
        half = half.reshape(-1, 1, 1)
        states = states.clone()
        transport_(states, half, 2, self._scratch)
        diffuse_line_(states, self._diffusion(batch) * (dt / spacing**2))
        transport_(states, half, 2, self._scratch)
        return states

    def densities(
        self, states: Float[Tensor, "b 1 x"], batch: Batch
    ) -> dict[str, Float[Tensor, "b x"]]:
        """Momentum stays."""
        return {"velocity_x": states[:, 0]}

    @staticmethod
    def _diffusion(batch: Batch) -> Float[Tensor, "b 1 1"]:
        return batch.parameters["Nu"][..., None] / math.pi
