"""2D FitzHugh–Nagumo diffusion–reaction between no-flux walls, from cell noise.

The equation, domain, start and file layout of PDEBench (arXiv 2210.07182, appendix D).
Second order in space (finite volumes), fourth in time (the classical Runge–Kutta method).
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.fields import Field, FieldSpec, Grid
from matey_core.simulators import SIMULATORS, Batch, Sample, Simulator, SimulatorConfig
from matey_core.simulators._drawn import Drawn, PositiveDrawn, draw, ends

LEFT, RIGHT = -1.0, 1.0
RK4_REAL_LIMIT = 2.785
"""Largest decay rate × dt for which the classical Runge–Kutta method is stable."""
SAFETY = 0.4
LARGEST_START = 4.0
"""|u| that cell noise hardly ever exceeds; the cubic term is stiffest there."""


@SIMULATORS.register("diffusion_reaction")
class DiffusionReactionConfig(SimulatorConfig):
    """Settings of the diffusion–reaction solver; the defaults are the published ones."""

    diffusion_u: PositiveDrawn = 1e-3
    """Diffusion coefficient of the activator u."""
    diffusion_v: PositiveDrawn = 5e-3
    """Diffusion coefficient of the inhibitor v."""
    k: Drawn = 5e-3
    """Constant sink of the activator."""

    def build(self) -> "DiffusionReaction":
        """Make the solver."""
        return DiffusionReaction(self)


class DiffusionReaction(Simulator):
    """Activator u and inhibitor v on [−1, 1]², walls that nothing crosses.

    u_t = D_u Δu + u − u³ − k − v
    v_t = D_v Δv + u − v
    """

    file = "2D/diffusion-reaction/2D_diff-react_NA_NA.h5"
    layout = "grouped"
    origin = (LEFT, LEFT)

    def __init__(self, config: DiffusionReactionConfig) -> None:
        super().__init__(config)
        self.config = config
        spacing = (RIGHT - LEFT) / config.grid
        self.spec = FieldSpec(
            fields=(Field(name="activator"), Field(name="inhibitor")),
            grid=Grid(
                axes=("y", "x"),
                shape=(config.grid,) * 2,
                spacing=(spacing,) * 2,
                boundary=("no_flux",) * 2,
            ),
            time_step=config.interval,
            dataset="2D_diff-react_NA_NA",
        )

    def sample(self, random: np.random.RandomState) -> Sample:
        """Draw N(0, 1) in each cell, u first: the published start of the same seed.

        Args:
            random: generator seeded with the sample's seed.
        """
        noise = random.standard_normal((len(self.spec.fields), *self.spec.grid.shape))
        config = self.config
        parameters = {
            "Du": draw(config.diffusion_u, random),
            "Dv": draw(config.diffusion_v, random),
            "k": draw(config.k, random),
        }
        return Sample(state=torch.from_numpy(noise), parameters=parameters)

    def stable_step(self, states: Float[Tensor, "b c y x"], batch: Batch) -> float:
        """A fixed share of the limit set by the fastest diffusion and reaction."""
        del states, batch
        fastest = max(ends(self.config.diffusion_u)[1], ends(self.config.diffusion_v)[1])
        diffusion = sum(4 * fastest / spacing**2 for spacing in self.spec.grid.spacing)
        reaction = 3 * LARGEST_START**2
        return SAFETY * RK4_REAL_LIMIT / (diffusion + reaction)

    def step(
        self, states: Float[Tensor, "b c y x"], dt: float | Tensor, batch: Batch
    ) -> Float[Tensor, "b c y x"]:
        """Advance by one classical Runge–Kutta step."""
        first = self.rate(states, batch)
        second = self.rate(states + first * (dt / 2), batch)
        third = self.rate(states + second * (dt / 2), batch)
        fourth = self.rate(states + third * dt, batch)
        total = first.add_(fourth).add_(second.add_(third), alpha=2)
        return states + total * (dt / 6)

    def rate(self, states: Float[Tensor, "b c y x"], batch: Batch) -> Float[Tensor, "b c y x"]:
        """Time derivative of u and v.

        Args:
            states: (b, 2, y, x) u and v.
            batch: the constants.

        Returns:
            (b, 2, y, x) u_t and v_t.
        """
        u, v = states.unbind(1)
        constants = batch.parameters
        rate = torch.empty_like(states)
        rate[:, 0] = u - u**3 - v - constants["k"]
        rate[:, 1] = u - v
        for channel, diffusion in enumerate((constants["Du"], constants["Dv"])):
            _add_diffusion(rate[:, channel], states[:, channel], diffusion, self.spec.grid.spacing)
        return rate

    def describe(self, seed: int, parameters: Mapping[str, float]) -> Mapping[str, Any]:
        """Settings of one sample, as the published `config` attribute names them."""
        config = self.config
        return {
            "name": "2d_diff-react",
            "sim": {
                **parameters,
                "t": config.interval * (config.frames - 1),
                "tdim": config.frames,
                "x_left": LEFT,
                "x_right": RIGHT,
                "xdim": config.grid,
                "y_bottom": LEFT,
                "y_top": RIGHT,
                "ydim": config.grid,
                "n": 1,
                "seed": seed,
            },
        }


def _add_diffusion(
    rate: Float[Tensor, "b *space"],
    values: Float[Tensor, "b *space"],
    diffusion: Float[Tensor, "b *ones"],
    spacing: tuple[float, ...],
) -> None:
    """Add D Δ(values) to `rate`: what leaves a cell enters its neighbour, nothing else moves."""
    for axis, distance in enumerate(spacing, start=1):
        flow = values.diff(dim=axis) * (diffusion / distance**2)
        faces = flow.shape[axis]
        rate.narrow(axis, 0, faces).add_(flow)
        rate.narrow(axis, 1, faces).sub_(flow)
