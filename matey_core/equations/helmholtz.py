"""2D Helmholtz equation: −0.01 Δu − ω u = f."""

from matey_core.equations import EQUATIONS, Constants, Equation, Symbol, Wavenumbers

SCALE = 0.01
"""Of the published operator (arXiv 2306.00258)."""


def linear(k: Wavenumbers, constants: Constants) -> Symbol:
    """Give 0.01 |k|² − ω."""
    return SCALE * k.square - constants["omega"]


EQUATIONS.register("helmholtz")(
    Equation(
        name="helmholtz",
        fields=("solution",),
        axes=("x", "y"),
        parameters=("omega",),
        source="source",
        linear=linear,
    )
)
