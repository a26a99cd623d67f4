"""An axis of a picture: name, unit, and where its points lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True, slots=True, kw_only=True)
class Axis:
    """Positions along one axis."""

    name: str
    unit: str
    positions: Float[np.ndarray, "points"]
    """Centers of the cells."""

    @property
    def label(self) -> str:
        """Name and unit, as matplotlib shall write them."""
        return f"{literal(self.name)}{bracketed(self.unit)}"

    @property
    def edges(self) -> tuple[float, float]:
        """Where the first cell begins, and where the last one ends."""
        first, last = float(self.positions[0]), float(self.positions[-1])
        half = (last - first) / max(len(self.positions) - 1, 1) / 2
        return first - half, last + half


def axes_of(
    names: Sequence[str], coordinates: Mapping[str, np.ndarray], units: Mapping[str, str]
) -> tuple[Axis, ...]:
    """Describe some axes.

    Args:
        names: in the order of the values.
        coordinates: positions by axis.
        units: by axis, as far as known.
    """
    return tuple(
        Axis(name=name, unit=units.get(name, ""), positions=coordinates[name]) for name in names
    )


def proportion(up: Axis, across: Axis) -> float:
    """Height over width of a plane in which both axes have one scale; 1 if their units differ."""
    lengths = [abs(high - low) for low, high in (up.edges, across.edges)]
    return lengths[0] / lengths[1] if lengths[1] and up.unit == across.unit else 1.0


def bracketed(unit: str) -> str:
    """The unit as it follows a name; empty for none, which CF writes as 1."""
    return f" [{literal(unit)}]" if unit not in ("", "1") else ""


def literal(text: str) -> str:
    """The text for matplotlib, which takes what stands between dollar signs for a formula."""
    return text.replace("$", r"\$")
