"""2D advection: u_t = −a·∇u."""

from matey_core.equations import EQUATIONS, Constants, Equation, Symbol, Wavenumbers


def linear(k: Wavenumbers, constants: Constants) -> Symbol:
    """Give the symbol of −a·∇."""
    return -1j * (constants["ax"] * k.odd["x"] + constants["ay"] * k.odd["y"])


EQUATIONS.register("advection_2d")(
    Equation(
        name="advection_2d",
        fields=("concentration",),
        axes=("x", "y"),
        parameters=("ax", "ay"),
        linear=linear,
    )
)
