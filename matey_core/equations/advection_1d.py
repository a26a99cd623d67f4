"""1D advection: u_t = −β u_x."""

from matey_core.equations import EQUATIONS, Constants, Equation, Symbol, Wavenumbers


def linear(k: Wavenumbers, constants: Constants) -> Symbol:
    """Give the symbol of −β ∂x."""
    return -1j * constants["beta"] * k.odd["x"]


EQUATIONS.register("advection_1d")(
    Equation(
        name="advection_1d",
        fields=("concentration",),
        axes=("x",),
        parameters=("beta",),
        linear=linear,
    )
)
