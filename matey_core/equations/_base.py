"""What an equation is, and the registry of all."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from matey_core.equations._spectral import Symbol, Wavenumbers
from matey_core.fields import Grid
from matey_core.registry import Registry

Constants = Mapping[str, Float[Tensor, "b *ones"]]
"""Parameters by name, each with as many axes as a field of a batch."""
Linear = Callable[[Wavenumbers, Constants], Symbol]
"""(wavenumbers, constants) → what the waves of the states are multiplied by."""
Rest = Callable[
    [Float[Tensor, "b c *space"], Constants, Grid],
    Float[Tensor, "b c *space"],
]
"""(states, constants, grid) → N(u)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Equation:
    """An equation on a periodic box: u_t = L u + N(u), or L u = f where there is a source f."""

    name: str
    fields: tuple[str, ...]
    """Names of the fields of u, in the order that `rest` takes them."""
    axes: tuple[str, ...]
    """Names of the axes, in any order."""
    parameters: tuple[str, ...]
    """Names of the constants."""
    source: str = ""
    """Name of the given field f, of an equation without time."""
    linear: Linear
    """L, the same for all fields."""
    rest: Rest | None = None
    """N; None where the equation is linear."""
    is_uniform: bool = True
    """Whether all places are alike: nothing in the equation depends on where it is."""


EQUATIONS: Registry[Equation] = Registry("matey_core.equations")
