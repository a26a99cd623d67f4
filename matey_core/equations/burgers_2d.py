"""2D scalar Burgers equation: u_t = ν Δu − c·∇(u²/2)."""

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
    states: Float[Tensor, "b 1 *space"], constants: Constants, grid: Grid
) -> Float[Tensor, "b 1 *space"]:
    """Give −c·∇(u²/2)."""
    k = waves(grid, states).odd
    along = constants["cx"] * k["x"] + constants["cy"] * k["y"]
    return filtered(states.square() / 2, -1j * along)


EQUATIONS.register("burgers_2d")(
    Equation(
        name="burgers_2d",
        fields=("u",),
        axes=("x", "y"),
        parameters=("nu", "cx", "cy"),
        linear=linear,
        rest=rest,
    )
)
