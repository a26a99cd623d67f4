"""One trajectory's prediction and truth at a few leads, for someone to draw."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from matey_core.reports.axes import Axis


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One field of one trajectory at a few leads, on a line or a plane."""

    field: str
    unit: str
    sample: str
    leads: tuple[int, ...]
    times: tuple[float, ...]
    time_unit: str
    axes: tuple[Axis, ...]
    """Of the values; of a plane, the first goes up and the last, x where there is one, across."""
    slice_of: str
    """Where a plane was cut out of a volume, such as "x at point 16 of 32"."""
    prediction: Float[np.ndarray, "lead *plane"]
    truth: Float[np.ndarray, "lead *plane"]
    """NaN where it is not known."""
    num_known: int
    """How many of the leads have a truth, the first ones."""


def moment(time: float, unit: str) -> str:
    """A time with its unit, as titles show it: 86,400 s, not 8.64e+04 s."""
    digits = f"{time:,.0f}" if 1e4 <= abs(time) < 1e9 else f"{time:.4g}"
    return digits if unit in ("", "1") else f"{digits} {unit}"
