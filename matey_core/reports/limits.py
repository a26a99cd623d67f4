"""What the colors of a picture span."""

from collections.abc import Sequence

import numpy as np

UNKNOWN = "0.8"
"""Gray of solid and missing cells."""


def color_limits(values: np.ndarray) -> tuple[float, float]:
    """Smallest and largest finite value."""
    known = values[np.isfinite(values)]
    return (float(known.min()), float(known.max())) if known.size else (0.0, 1.0)


def largest_error(errors: np.ndarray) -> float:
    """Largest finite distance from 0; 1 where there is none above it."""
    known = np.abs(errors[np.isfinite(errors)])
    return float(known.max()) if known.size and known.max() > 0 else 1.0


def highest_shown(*curves: Sequence[float]) -> float | None:
    """Where a logarithmic axis ends that shows some curves whole, others as far as it goes.

    A forecast that blows up would otherwise press all else into a few pixels.

    Args:
        curves: those to show whole.

    Returns:
        Ten times their largest finite value; None where none is above 0.
    """
    known = [value for curve in curves for value in curve if 0 < value < np.inf]
    return 10 * max(known) if known else None
