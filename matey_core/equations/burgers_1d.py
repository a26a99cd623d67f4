"""1D viscous Burgers equation: u_t = (Nu/π) u_xx − (u²/2)_x."""

import math

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
    """Give the symbol of (Nu/π) ∂x²."""
    return -constants["Nu"] / math.pi * k.square


def rest(
    states: Float[Tensor, "b 1 *space"], constants: Constants, grid: Grid
) -> Float[Tensor, "b 1 *space"]:
    """Give −(u²/2)_x."""
    return filtered(states.square() / 2, -1j * waves(grid, states).odd["x"])


EQUATIONS.register("burgers_1d")(
    Equation(
        name="burgers_1d",
        fields=("velocity_x",),
        axes=("x",),
        parameters=("Nu",),
        linear=linear,
        rest=rest,
    )
)
