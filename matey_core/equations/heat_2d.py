"""2D heat equation: u_t = ν Δu."""

from matey_core.equations import EQUATIONS, Constants, Equation, Symbol, Wavenumbers


def linear(k: Wavenumbers, constants: Constants) -> Symbol:
    """Give the symbol of ν Δ."""
    return -constants["nu"] * k.square


EQUATIONS.register("heat_2d")(
    Equation(
        name="heat_2d",
        fields=("temperature",),
        axes=("x", "y"),
        parameters=("nu",),
        linear=linear,
    )
)
