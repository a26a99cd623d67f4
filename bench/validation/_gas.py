"""Exact and helping solutions for a perfect gas."""

import numpy as np
from jaxtyping import Float
from scipy.optimize import brentq

GAMMA = 5 / 3
SOD = ((1.0, 1.0, 0.0), (0.125, 0.1, 0.0))
"""Density, pressure and velocity on both sides (G. A. Sod, 1978)."""

Gas = tuple[float, float, float]


def riemann(low: Gas, high: Gas, speeds: Float[np.ndarray, " n"]) -> Float[np.ndarray, "3 n"]:
    """Exact solution of the Riemann problem of the Euler equations (Toro's book, chapter 4).

    Args:
        low: density, pressure and velocity where x < 0.
        high: where x > 0.
        speeds: x/t.

    Returns:
        Density, pressure and velocity.
    """

    def gain(pressure: float, gas: Gas) -> float:
        """Change of velocity across a wave to this pressure."""
        density, old, _ = gas
        sound = np.sqrt(GAMMA * old / density)
        if pressure > old:
            weight = 2 / (density * ((GAMMA + 1) * pressure + (GAMMA - 1) * old))
            return float((pressure - old) * np.sqrt(weight))
        power = (GAMMA - 1) / (2 * GAMMA)
        return float(2 * sound / (GAMMA - 1) * ((pressure / old) ** power - 1))

    def mismatch(pressure: float) -> float:
        return gain(pressure, low) + gain(pressure, high) + high[2] - low[2]

    pressure = brentq(mismatch, 1e-12, 1e6, xtol=1e-14, rtol=1e-14)
    contact = (low[2] + high[2] + gain(pressure, high) - gain(pressure, low)) / 2
    left = _side(low, pressure, contact, speeds)
    mirrored = (high[0], high[1], -high[2])
    right = _side(mirrored, pressure, -contact, -speeds) * [[1], [1], [-1]]
    return np.where(speeds < contact, left, right)


def _side(
    gas: Gas, pressure: float, contact: float, speeds: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "3 n"]:
    """What is on the lower side of the contact."""
    density, old, velocity = gas
    sound = np.sqrt(GAMMA * old / density)
    ratio = pressure / old
    before = np.array([[density], [old], [velocity]])
    if ratio > 1:
        slope = (GAMMA - 1) / (GAMMA + 1)
        star = density * (ratio + slope) / (slope * ratio + 1)
        growth = (GAMMA + 1) / (2 * GAMMA) * ratio + (GAMMA - 1) / (2 * GAMMA)
        shock = velocity - sound * np.sqrt(growth)
        after = np.array([[star], [pressure], [contact]])
        return np.where(speeds < shock, before, after)
    star = density * ratio ** (1 / GAMMA)
    tail = contact - np.sqrt(GAMMA * pressure / star)
    after = np.array([[star], [pressure], [contact]])
    cooling = 2 / (GAMMA + 1) + (GAMMA - 1) / ((GAMMA + 1) * sound) * (velocity - speeds)
    cooling = np.maximum(cooling, 0)
    fan = np.stack(
        [
            density * cooling ** (2 / (GAMMA - 1)),
            old * cooling ** (2 * GAMMA / (GAMMA - 1)),
            2 / (GAMMA + 1) * (sound + (GAMMA - 1) / 2 * velocity + speeds),
        ]
    )
    return np.where(speeds < velocity - sound, before, np.where(speeds > tail, after, fan))


def refine(fields: np.ndarray, factor: int, *, axes: int) -> np.ndarray:
    """Interpolate periodic values at cell centers by Fourier series to smaller cells.

    Args:
        fields: (…, *space) with the last `axes` axes of space.
        factor: small cells in a cell, per axis.
        axes: how many of them.
    """
    for axis in range(fields.ndim - axes, fields.ndim):
        count = fields.shape[axis]
        numbers = np.fft.rfftfreq(count, 1 / count)
        shift = np.exp(2j * np.pi * numbers * (0.5 / factor - 0.5) / count)
        shape = [1] * fields.ndim
        shape[axis] = len(shift)
        spectrum = np.fft.rfft(fields, axis=axis) * shift.reshape(shape)
        fields = factor * np.fft.irfft(spectrum, count * factor, axis=axis)
    return fields


def coarsen(fields: np.ndarray, factor: int, *, axes: int) -> np.ndarray:
    """Average over the small cells in each cell."""
    for axis in range(fields.ndim - axes, fields.ndim):
        count = fields.shape[axis] // factor
        shape = (*fields.shape[:axis], count, factor, *fields.shape[axis + 1 :])
        fields = fields.reshape(shape).mean(axis + 1)
    return fields
