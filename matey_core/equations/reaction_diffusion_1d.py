"""1D reaction–diffusion (Fisher's equation): u_t = Nu u_xx + ρ u (1 − u).

PDEBench's published files have these names and do not solve this equation: see the simulator.
"""

from jaxtyping import Float
from torch import Tensor

from matey_core.equations import EQUATIONS, Constants, Equation, Symbol, Wavenumbers
from matey_core.fields import Grid


def linear(k: Wavenumbers, constants: Constants) -> Symbol:
    """Give the symbol of Nu ∂x²."""
    return -constants["Nu"] * k.square


def rest(
    states: Float[Tensor, "b 1 *space"], constants: Constants, grid: Grid
) -> Float[Tensor, "b 1 *space"]:
    """Give ρ u (1 − u)."""
    return constants["rho"] * states * (1 - states)


EQUATIONS.register("reaction_diffusion_1d")(
    Equation(
        name="reaction_diffusion_1d",
        fields=("reactant",),
        axes=("x",),
        parameters=("Nu", "rho"),
        linear=linear,
        rest=rest,
    )
)
