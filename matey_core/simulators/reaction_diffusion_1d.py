"""1D reaction–diffusion (Fisher's equation), periodic, from sums of sines.

The equation, domain, start and file layout of PDEBench (arXiv 2210.07182, appendix D).
Second order in time (Strang splitting, reaction and diffusion each exact) and space. The
published files do not solve this equation: in them the reaction stalls early.
"""

import numpy as np
import torch
from jaxtyping import Float
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor

from matey_core.fields import Field
from matey_core.simulators import SIMULATORS, Batch, Sample, Simulator, SimulatorConfig
from matey_core.simulators._diffusion import diffuse_line_, roughness
from matey_core.simulators._drawn import NonNegativeDrawn, draw, text
from matey_core.simulators._lanes import apply
from matey_core.simulators._sine_starts import POINTS, averages, draw_start, spec

SMOOTHING = 0.05
"""Share of the largest value that diffusion may change in a step: splitting is accurate then."""
GROWTH = 0.05
"""ρ dt of the largest step."""


@SIMULATORS.register("reaction_diffusion_1d")
class ReactionDiffusion1dConfig(SimulatorConfig):
    """Settings of the 1D reaction–diffusion solver; the defaults are published ones."""

    grid: PositiveInt = 1024
    """Cells along x."""
    interval: PositiveFloat = 0.01
    """Time between two frames."""
    nu: NonNegativeDrawn = 0.5
    """Diffusion coefficient; published: 0.5, 1, 2, 5."""
    rho: NonNegativeDrawn = 1.0
    """Rate of the reaction; published: 1, 2, 5, 10."""

    def build(self) -> "ReactionDiffusion1d":
        """Make the solver."""
        return ReactionDiffusion1d(self)


class ReactionDiffusion1d(Simulator):
    """Reactant u on (0, 1), periodic: u_t − Nu u_xx = ρ u (1 − u)."""

    origin = (0.0,)

    def __init__(self, config: ReactionDiffusion1dConfig) -> None:
        super().__init__(config)
        self.config = config
        name = f"ReacDiff_Nu{text(config.nu)}_Rho{text(config.rho)}"
        self.file = f"1D/ReactionDiffusion/Train/{name}.hdf5"
        self.keys = {"reactant": "tensor"}
        self.spec = spec(Field(name="reactant"), config.grid, config.interval, "1D_ReacDiff")

    def sample(self, random: np.random.RandomState) -> Sample:
        """Draw a start, scaled from 0 to 1, and its constants."""
        start = draw_start(random)[None]
        # At the published resolution, so that the scale is the same on every grid.
        low, high = averages(start, POINTS).aminmax()
        scaled = (averages(start, self.config.grid) - low) / (high - low)
        parameters = {
            "Nu": draw(self.config.nu, random),
            "rho": draw(self.config.rho, random),
        }
        return Sample(state=scaled, parameters=parameters)

    def stable_step(self, states: Float[Tensor, "b 1 x"], batch: Batch) -> Float[Tensor, " b"]:
        """Limit what diffuses and what grows in a step: splitting is accurate then."""
        (spacing,) = self.spec.grid.spacing
        rate = batch.parameters["Nu"][..., None] / spacing**2
        diffusing = roughness(states, (rate,)) / SMOOTHING
        growing = batch.parameters["rho"][:, 0] / GROWTH
        tiny = torch.finfo(states.dtype).tiny
        return 1 / torch.maximum(diffusing, growing).clamp(min=tiny)

    def step(
        self, states: Float[Tensor, "b 1 x"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b 1 x"]:
        """React for half a step, diffuse for a whole one, react for another half."""
        (spacing,) = self.spec.grid.spacing
        growth = apply(torch.expm1, batch.parameters["rho"][..., None] * (dt / 2))
        states = _react(states, growth)
        amount = batch.parameters["Nu"][..., None] * (dt / spacing**2)
        diffuse_line_(states, amount)
        return _react(states, growth)


def _react(
    states: Float[Tensor, "b 1 x"], growth: Float[Tensor, "b 1 1"]
) -> Float[Tensor, "b 1 x"]:
    """Solve u_t = ρ u (1 − u) exactly, given e^(ρt) − 1."""
    return states * (1 + growth) / (1 + states * growth)
