"""What the colors of a picture span."""

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
