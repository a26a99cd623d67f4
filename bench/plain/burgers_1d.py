"""1D Burgers by MUSCL–Hancock and Strang splitting, its diffusion by NumPy's transforms."""

import numpy as np

from matey_core.simulators import Sample, Simulator
from matey_core.simulators.burgers_1d import COURANT, SMOOTHING


def trajectory(simulator: Simulator, sample: Sample) -> np.ndarray:
    """Solve one sample in float64: (t, 1, x)."""
    cells, dx = simulator.spec.grid.shape[0], simulator.spec.grid.spacing[0]
    nu = sample.parameters["Nu"] / np.pi
    symbol = 4 * np.sin(np.pi * np.arange(cells // 2 + 1) / cells) ** 2 / dx**2
    u = sample.state[0].numpy()
    frames = [u]
    for interval in np.diff(simulator.times):
        left = interval
        while left > 1e-12 * interval:
            second = np.roll(u, -1) - 2 * u + np.roll(u, 1)
            largest = np.abs(u).max()
            crossing = largest / (2 * COURANT * dx)
            diffusing = nu * np.abs(second).max() / (SMOOTHING * dx**2 * largest)
            dt = left / max(1, np.ceil(left * max(crossing, diffusing) - 1e-9))
            u = transport(u, dt / (2 * dx), 0)
            u = np.fft.irfft(np.exp(-nu * symbol * dt) * np.fft.rfft(u), cells)
            u = transport(u, dt / (2 * dx), 0)
            left -= dt
        frames.append(u)
    return np.stack(frames)[:, None]


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
