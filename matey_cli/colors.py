"""The colormaps of maps and pictures, and the lines drawn over them."""

import numpy as np

# Viridis at equal steps: dark is low, bright is high, and lightness grows evenly.
_ANCHORS = np.array(
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
_LUMA = np.array([0.299, 0.587, 0.114])


def normalized(values: np.ndarray) -> np.ndarray:
    """Bring values to 0…1 between their smallest and largest; a constant becomes ½."""
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return np.full(values.shape, 0.5)
    return (values.astype(np.float64) - low) / (high - low)


def colored(fractions: np.ndarray) -> np.ndarray:
    """(..., 3) uint8 colors of numbers between 0 and 1."""
    return _interpolated(fractions, _ANCHORS)


def diverging(fractions: np.ndarray) -> np.ndarray:
    """(..., 3) uint8 colors of numbers between 0 and 1, blue below ½ and red above."""
    return _interpolated(fractions, _DIVERGING)


def _interpolated(fractions: np.ndarray, anchors: np.ndarray) -> np.ndarray:
    place = fractions * (len(anchors) - 1)
    below = np.clip(place.astype(int), 0, len(anchors) - 2)
    rest = (place - below)[..., None]
    return ((1 - rest) * anchors[below] + rest * anchors[below + 1]).round().astype(np.uint8)


def with_lines(colors: np.ndarray, lines: np.ndarray, *, strength: float) -> np.ndarray:
    """Blend lines over colors: towards white on dark ones, towards black on bright ones.

    Args:
        colors: (..., 3) uint8.
        lines: (...) where lines are.
        strength: 0 leaves the colors, 1 hides them.
    """
    bright = (colors @ _LUMA)[..., None] > 140
    ink = np.where(bright, 0.0, 255.0)
    blended = (1 - strength) * colors + strength * ink
    return np.where(lines[..., None], blended.round(), colors).astype(np.uint8)


def borders(cells: np.ndarray) -> np.ndarray:
    """Points at which another cell begins, seen from above or from the left."""
    lines = np.zeros(cells.shape, dtype=bool)
    for axis in range(cells.ndim):
        later = [slice(None)] * cells.ndim
        later[axis] = slice(1, None)
        lines[tuple(later)] |= np.diff(cells, axis=axis) != 0
    return lines
