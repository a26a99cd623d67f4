"""Colormaps: numbers between 0 and 1 to colors."""

import numpy as np
from jaxtyping import Float, UInt8

# Viridis at equal steps: dark is low, bright is high, and lightness grows evenly.
_VIRIDIS = np.array(
    [
        (68, 1, 84),
        (71, 44, 122),
        (59, 81, 139),
        (44, 113, 142),
        (33, 144, 141),
        (39, 173, 129),
        (92, 200, 99),
        (170, 220, 50),
        (253, 231, 37),
    ],
    dtype=np.float64,
)
# Blue below, white at ½, red above.
_DIVERGING = np.array(
    [(5, 48, 97), (67, 147, 195), (247, 247, 247), (214, 96, 77), (103, 0, 31)], dtype=np.float64
)


def colored(fractions: Float[np.ndarray, "..."]) -> UInt8[np.ndarray, "... 3"]:
    """(..., 3) colors of numbers between 0 and 1."""
    return _interpolated(fractions, _VIRIDIS)


def diverging(fractions: Float[np.ndarray, "..."]) -> UInt8[np.ndarray, "... 3"]:
    """(..., 3) colors of numbers between 0 and 1, blue below ½ and red above."""
    return _interpolated(fractions, _DIVERGING)


def _interpolated(fractions: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    place = fractions * (len(anchors) - 1)
    below = np.clip(place.astype(int), 0, len(anchors) - 2)
    rest = (place - below)[..., None]
    return ((1 - rest) * anchors[below] + rest * anchors[below + 1]).round().astype(np.uint8)
