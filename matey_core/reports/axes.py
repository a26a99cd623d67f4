"""An axis of a picture: name, unit, and where its points lie."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from matey_core.sources.spacing import growing

SHORT = {"degrees_north": "°N", "degrees_east": "°E"}
"""Units of maps, as short as their axes."""


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
        return f"{literal(self.name)}{bracketed(SHORT.get(self.unit, self.unit))}"

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


def upright(
    axes: Sequence[Axis], *planes: np.ndarray
) -> tuple[tuple[Axis, ...], tuple[np.ndarray, ...]]:
    """Axes and planes as a map has them: x goes across, and every position grows.

    Args:
        axes: one or two, of the last dims of the planes.
        planes: (*, *axes) each, stored in any order.
    """
    turn = growing(axis.positions for axis in axes)
    planes = tuple(plane[turn] for plane in planes)
    axes = tuple(
        replace(axis, positions=axis.positions[along])
        for axis, along in zip(axes, turn[1:], strict=True)
    )
    if len(axes) == 2 and axes[0].name == "x":
        axes, planes = axes[::-1], tuple(plane.swapaxes(-1, -2) for plane in planes)
    return axes, planes


def proportion(up: Axis, across: Axis) -> float:
    """Height over width of a plane in which both axes have one scale; 1 if their units differ.

    Degrees north and degrees east are one unit here.
    """
    lengths = [abs(high - low) for low, high in (up.edges, across.edges)]
    return lengths[0] / lengths[1] if lengths[1] and _scale(up) == _scale(across) else 1.0


def _scale(axis: Axis) -> str:
    return "degrees" if axis.unit.startswith("degree") else axis.unit


def bracketed(unit: str) -> str:
    """The unit as it follows a name; empty for none, which CF writes as 1."""
    return f" [{literal(unit)}]" if unit not in ("", "1") else ""


def literal(text: str) -> str:
    """The text for matplotlib, which takes what stands between dollar signs for a formula."""
    return text.replace("$", r"\$")
