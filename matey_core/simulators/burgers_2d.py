"""2D scalar Burgers equation, periodic, from plane waves.

The equation, domain, start and ranges of arXiv 2406.08473. Second order: MUSCL–Hancock finite
volumes along each axis, in the middle of which diffusion is solved exactly (Strang splitting).
"""

import math

import numpy as np
import torch
from jaxtyping import Float
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from matey_core.fields import Field
from matey_core.simulators import SIMULATORS, Batch, Sample, Simulator, SimulatorConfig
from matey_core.simulators._diffusion import diffuse_plane_
from matey_core.simulators._drawn import NonNegativeDrawn, PositiveDrawn, draw, text
from matey_core.simulators._plane_waves import LARGEST, LEFT, draw_waves, evaluate, spec
from matey_core.simulators._scratch import Scratch
from matey_core.simulators._upwind import transport_

COURANT = 0.5
"""Cells that the fastest value crosses in each half step; the limit is 1."""
SMOOTHING = 0.3
"""Decay in a step of the shortest wave of a start: splitting is accurate then."""


@SIMULATORS.register("burgers_2d")
class Burgers2dConfig(SimulatorConfig):
    """Settings of the 2D Burgers solver."""

    grid: PositiveInt = 64
    """Cells along each axis."""
    interval: PositiveFloat = 0.02
    """Time between two frames."""
    nu: NonNegativeDrawn = (7.5e-3, 1.5e-2)
    """Viscosity."""
    cx: PositiveDrawn = (0.5, 1.0)
    """Strength of the transport along x."""
    cy: PositiveDrawn = (0.5, 1.0)
    """Strength of the transport along y."""

    def build(self) -> "Burgers2d":
        """Make the solver."""
        return Burgers2d(self)


class Burgers2d(Simulator):
    """A scalar u on [−1, 1]², periodic: u_t + u (c·∇u) = ν Δu."""

    origin = (LEFT, LEFT)
    conserved = ("u",)

    def __init__(self, config: Burgers2dConfig) -> None:
        super().__init__(config)
        self.config = config
        self._scratch = Scratch()
        constants = f"nu{text(config.nu)}_cx{text(config.cx)}_cy{text(config.cy)}"
        self.file = f"2D/Burgers/2D_Burgers_{constants}.hdf5"
        self.keys = {"u": "tensor"}
        self.spec = spec(
            Field(name="u"), config.grid, config.interval, "2D_Burgers", directed=("x", "y")
        )

    def sample(self, random: np.random.RandomState) -> Sample:
        """Draw a start and its constants."""
        waves = draw_waves(random)
        config = self.config
        parameters = {
            "nu": draw(config.nu, random),
            "cx": draw(config.cx, random),
            "cy": draw(config.cy, random),
        }
        return Sample(state=evaluate(waves[None], config.grid)[0], parameters=parameters)

    def stable_step(self, states: Float[Tensor, "b 1 x y"], batch: Batch) -> Float[Tensor, " b"]:
        """Limit what crosses a cell in half a step, and what diffuses in a step."""
        spacing = self.spec.grid.spacing[0]
        nu, cx, cy = (batch.parameters[name].flatten() for name in ("nu", "cx", "cy"))
        values = states.flatten(1)
        fastest = torch.maximum(cx, cy) * torch.maximum(values.amax(1), -values.amin(1))
        crossing = fastest / (2 * COURANT * spacing)
        diffusing = nu * (2 * (math.pi * LARGEST) ** 2 / SMOOTHING)
        tiny = torch.finfo(states.dtype).tiny
        return 1 / torch.maximum(crossing, diffusing).clamp(min=tiny)

    def step(
        self, states: Float[Tensor, "b 1 x y"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b 1 x y"]:
        """Move half a step along x and y, diffuse a whole one, move half along y and x."""
        spacing = self.spec.grid.spacing[0]
        nu, cx, cy = (batch.parameters[name][..., None] * dt for name in ("nu", "cx", "cy"))
        sweeps = ((cx / (2 * spacing), 2), (cy / (2 * spacing), 3))
        states = states.clone()
        for ratio, axis in sweeps:
            transport_(states, ratio, axis, self._scratch)
        diffuse_plane_(states, nu / spacing**2)
        for ratio, axis in reversed(sweeps):
            transport_(states, ratio, axis, self._scratch)
        return states

    def densities(
        self, states: Float[Tensor, "b 1 x y"], batch: Batch
    ) -> dict[str, Float[Tensor, "b x y"]]:
        """The mean stays."""
        return {"u": states[:, 0]}
