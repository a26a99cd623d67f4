"""One step of u u_x by MUSCL–Hancock, for the plain Burgers solvers."""

import numpy as np


def transport(u: np.ndarray, ratio: float, axis: int) -> np.ndarray:
    """Take a step of u_t + s (u²/2)_x = 0 along an axis; ratio = s dt/dx."""
    before, after = u - np.roll(u, 1, axis), np.roll(u, -1, axis) - u
    steepest = 2 * np.minimum(np.abs(before), np.abs(after))
    slope = np.sign(before) * np.minimum(np.abs(before + after) / 2, steepest)
    slope[before * after <= 0] = 0
    middle = u - ratio / 2 * u * slope
    left, right = middle + slope / 2, np.roll(middle - slope / 2, -1, axis)
    flux = np.maximum(np.maximum(left, 0) ** 2, np.minimum(right, 0) ** 2) / 2
    return u - ratio * (flux - np.roll(flux, 1, axis))
