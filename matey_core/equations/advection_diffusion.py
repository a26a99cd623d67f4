"""2D steady advection–diffusion: −∇·(K∇u) + v·∇u = f."""

from matey_core.equations import EQUATIONS, Constants, Equation, Symbol, Wavenumbers, diffusion


def linear(k: Wavenumbers, constants: Constants) -> Symbol:
    """Give kᵀKk + i v·k."""
    along = constants["v1"] * k.odd["x"] + constants["v2"] * k.odd["y"]
    return diffusion(k, constants) + 1j * along


EQUATIONS.register("advection_diffusion")(
    Equation(
        name="advection_diffusion",
        fields=("solution",),
        axes=("x", "y"),
        parameters=("k11", "k12", "k22", "v1", "v2"),
        source="source",
        linear=linear,
    )
)
