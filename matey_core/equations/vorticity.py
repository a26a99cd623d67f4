"""2D incompressible flow in vorticity form, stirred by a steady force.

ω_t = ν Δω − ∇·(vω) + a (sin 2π(x + y) + cos 2π(x + y))

v is what ω makes it, and changes with it. The force stands still: x and y are 0 at the first
point, and sides are 1. Products are dealiased by the 2/3 rule, as in the simulator.
"""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.equations import (
    EQUATIONS,
    Constants,
    Equation,
    Symbol,
    Wavenumbers,
    filtered,
    waves,
)
from matey_core.fields import Grid


def linear(k: Wavenumbers, constants: Constants) -> Symbol:
    """Give the symbol of ν Δ."""
    return -constants["nu"] * k.square


def rest(
    states: Float[Tensor, "b 3 *space"], constants: Constants, grid: Grid
) -> Float[Tensor, "b 3 *space"]:
    """Give what transport and force do to both velocities and the vorticity."""
    k, spin = waves(grid, states), states[:, 2:]
    inverse = torch.where(k.square == 0, 0.0, 1 / k.square)
    to_flow = 1j * torch.stack([k.odd["y"] * inverse, -k.odd["x"] * inverse])
    flow = filtered(spin, to_flow * k.resolved)
    carried = flow * filtered(spin, k.resolved)
    outward = -1j * torch.stack([k.odd["x"].expand_as(inverse), k.odd["y"].expand_as(inverse)])
    rate = filtered(carried, outward * k.resolved).sum(1, keepdim=True)
    rate = rate + constants["forcing"] * _force(grid, states)
    return torch.cat([filtered(rate, to_flow), rate], 1)


def _force(grid: Grid, like: Tensor) -> Float[Tensor, "*space"]:
    """Give sin 2π(x + y) + cos 2π(x + y)."""
    place = [
        spacing * torch.arange(points, dtype=torch.float64)
        for spacing, points in zip(grid.spacing, grid.shape, strict=True)
    ]
    angle = 2 * math.pi * (place[0][:, None] + place[1])
    return (angle.sin() + angle.cos()).to(like.device, like.dtype)


EQUATIONS.register("vorticity")(
    Equation(
        name="vorticity",
        fields=("velocity_x", "velocity_y", "vorticity"),
        axes=("x", "y"),
        parameters=("nu", "forcing"),
        linear=linear,
        rest=rest,
        is_uniform=False,
    )
)
