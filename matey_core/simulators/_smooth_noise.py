"""Random smooth fields on a square: functions of position, the same at any resolution."""

import math

import numpy as np
from jaxtyping import Float

LARGEST_WAVENUMBER = 16
"""Amplitudes beyond are a few thousandths of the field."""
LOWEST = math.sqrt(0.1)
"""Scaled wavenumbers up to this one are left out, as in the published fields."""


class SmoothNoise:
    """A periodic field of mean 0 and variance 1 with amplitudes |m|^(−2 smoothness).

    Args:
        random: draws the amplitudes and phases.
        smoothness: 1 or more: the larger, the smoother.
        scale: wavenumbers m with scale · |m| ≤ √0.1 are left out.
    """

    def __init__(self, random: np.random.RandomState, smoothness: float, scale: float) -> None:
        waves = np.arange(-LARGEST_WAVENUMBER, LARGEST_WAVENUMBER + 1)
        size = np.hypot(waves[:, None], waves)
        kept = (size <= LARGEST_WAVENUMBER) & (size * scale > LOWEST)
        normal = random.standard_normal((2, *size.shape))
        amplitude = np.where(kept, np.maximum(size, 1.0) ** (-2 * smoothness), 0.0)
        self._waves = waves
        self._coefficients = (normal[0] + 1j * normal[1]) * amplitude
        # The real part of e^(ikx) and of e^(−ikx) meet in one wave.
        joined = self._coefficients + self._coefficients[::-1, ::-1].conj()
        self._coefficients /= np.sqrt((np.abs(joined) ** 2).sum() / 4)

    def __call__(
        self, x: Float[np.ndarray, " x"], y: Float[np.ndarray, " y"], *, points: int
    ) -> Float[np.ndarray, "x y"]:
        """Evaluate on the grid of all pairs.

        Args:
            x: coordinates in periods.
            y: the same along y.
            points: of the grid along a period; waves that it cannot hold are left out.
        """
        kept = np.abs(self._waves) * 2 < points
        along_x = np.exp(2j * math.pi * x[:, None] * self._waves[kept])
        along_y = np.exp(2j * math.pi * self._waves[kept, None] * y)
        return (along_x @ self._coefficients[np.ix_(kept, kept)] @ along_y).real
