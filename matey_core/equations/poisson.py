"""2D Poisson equation: −∇·(K∇u) = f."""

from matey_core.equations import EQUATIONS, Constants, Equation, Symbol, Wavenumbers, diffusion


def linear(k: Wavenumbers, constants: Constants) -> Symbol:
    """Give kᵀKk."""
    return diffusion(k, constants)


EQUATIONS.register("poisson")(
    Equation(
        name="poisson",
        fields=("solution",),
        axes=("x", "y"),
        parameters=("k11", "k12", "k22"),
        source="source",
        linear=linear,
    )
)
