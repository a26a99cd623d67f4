"""Which equation a store's trajectories satisfy, by the names of what it holds."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from matey_core.equations._base import EQUATIONS, Constants, Equation
from matey_core.equations._spectral import Symbol, waves
from matey_core.errors import ConfigError
from matey_core.fields import FieldSpec, Grid


def equation_of(spec: FieldSpec, known: Collection[str], name: str | None = None) -> Equation:
    """Find the equation of a store.

    It has the same fields and axes. It also has all those of the store's parameters that any
    equation has, unless it is named: then the store may have more.

    Args:
        spec: of what is predicted.
        known: names of parameters and given fields.
        name: of the equation; None for the one that fits.

    Raises:
        ConfigError: none fits, or an axis is bounded.
    """
    if name is None:
        found = find_equation(spec, known)
    else:
        found = EQUATIONS[name] if _fits(EQUATIONS[name], spec, known) else None
    if found is None:
        given = ", ".join(sorted(known)) or "no parameters"
        wanted = (
            "None of the equations that are known fits" if name is None else f"{name} does not fit"
        )
        raise ConfigError(
            f"{wanted} {spec.dataset}: it predicts {', '.join(spec.names)} on "
            f"{', '.join(spec.grid.axes)}, and has {given}.",
            remedy="There are "
            + "; ".join(_described(EQUATIONS[each]) for each in EQUATIONS.names())
            + ". A source is named in --given. Choose another objective, or leave this store out.",
        )
    bounded = [
        axis
        for axis, is_periodic in zip(spec.grid.axes, spec.grid.periodic, strict=True)
        if not is_periodic
    ]
    if bounded:
        raise ConfigError(
            f"The equation {found.name} is known on periodic axes alone, and {spec.dataset} has "
            f"a boundary along {', '.join(bounded)}.",
            remedy="Choose another objective, or leave this store out; if the axis does wrap "
            "around, prepare the store again with --overwrite --boundary "
            + ",".join(f"{axis}=periodic" for axis in bounded)
            + ".",
        )
    return found


def find_equation(spec: FieldSpec, known: Collection[str]) -> Equation | None:
    """Find the equation that fits, whatever the boundary; None where there is none.

    Args:
        spec: of what is predicted.
        known: names of parameters and given fields.
    """
    candidates = [EQUATIONS[name] for name in EQUATIONS.names()]
    constants = {name for each in candidates for name in each.parameters}
    for each in candidates:
        if _fits(each, spec, known) and set(each.parameters) == constants.intersection(known):
            return each
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownEquation:
    """An equation with the constants of a batch, for the grid and the order of fields it has."""

    equation: Equation
    constants: Constants
    grid: Grid
    order: tuple[int, ...]
    """Channels of the batch, in the equation's order of fields."""

    def linear(self, like: Float[Tensor, "b c *space"]) -> Symbol:
        """Give the symbol of L, in the precision of some states."""
        return self.equation.linear(waves(self.grid, like), self.constants)

    def rest(self, states: Float[Tensor, "b c *space"]) -> Float[Tensor, "b c *space"]:
        """Give N(u)."""
        assert self.equation.rest is not None
        made = self.equation.rest(states[:, list(self.order)], self.constants, self.grid)
        back = sorted(range(len(self.order)), key=self.order.__getitem__)
        return made[:, back]


def known_equation(
    spec: FieldSpec, known: Mapping[str, Float[Tensor, "b *any"]], name: str | None = None
) -> KnownEquation:
    """Find the equation of a batch, and take its constants.

    Args:
        spec: of the batch.
        known: parameters (b,) and given fields, by name.
        name: of the equation; None for the one that fits.

    Raises:
        ConfigError: none fits, or an axis is bounded.
    """
    equation = equation_of(spec, known, name)
    ones = [1] * (1 + spec.grid.num_axes)
    return KnownEquation(
        equation=equation,
        constants={each: known[each].view(-1, *ones) for each in equation.parameters},
        grid=spec.grid,
        order=tuple(spec.names.index(field) for field in equation.fields),
    )


def _fits(equation: Equation, spec: FieldSpec, known: Collection[str]) -> bool:
    """Whether fields and axes are the same, and all that the equation needs is known."""
    needed = {*equation.parameters, *([equation.source] if equation.source else [])}
    return (
        sorted(equation.fields) == sorted(spec.names)
        and sorted(equation.axes) == sorted(spec.grid.axes)
        and needed.issubset(known)
    )


def _described(equation: Equation) -> str:
    """Name, fields and what has to be known."""
    source = f"{equation.source} given, " if equation.source else ""
    return (
        f"{equation.name} ({', '.join(equation.fields)} on {', '.join(equation.axes)}; {source}"
        f"{', '.join(equation.parameters)})"
    )
