"""Brightness of maps and pictures, and the lines drawn over them."""

import numpy as np

_LUMA = np.array([0.299, 0.587, 0.114])


def normalized(values: np.ndarray) -> np.ndarray:
    """Bring values to 0…1 between their smallest and largest; a constant becomes ½."""
    low, high = float(values.min()), float(values.max())
    if high <= low:
        return np.full(values.shape, 0.5)
    return (values.astype(np.float64) - low) / (high - low)


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
