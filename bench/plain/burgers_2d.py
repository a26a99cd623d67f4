"""2D Burgers by MUSCL–Hancock and Strang splitting, its diffusion by NumPy's transforms."""

import numpy as np

from matey_core.simulators import Sample, Simulator
from matey_core.simulators._plane_waves import LARGEST
from matey_core.simulators.burgers_2d import COURANT, SMOOTHING


def trajectory(simulator: Simulator, sample: Sample) -> np.ndarray:
    """Solve one sample in float64: (t, 1, x, y)."""
    grid, dx = simulator.spec.grid.shape[0], simulator.spec.grid.spacing[0]
    nu, cx, cy = (sample.parameters[name] for name in ("nu", "cx", "cy"))
    line = 4 * np.sin(np.pi * np.arange(grid) / grid) ** 2 / dx**2
    symbol = line[:, None] + line[: grid // 2 + 1]
    u = sample.state[0].numpy()
    frames = [u]
    for interval in np.diff(simulator.times):
        left = interval
        while left > 1e-12 * interval:
            crossing = 2 * COURANT * dx / (max(cx, cy) * np.abs(u).max())
            diffusing = SMOOTHING / (nu * 2 * (np.pi * LARGEST) ** 2)
            dt = left / np.ceil(left / min(crossing, diffusing) - 1e-9)
            along_x, along_y = cx * dt / (2 * dx), cy * dt / (2 * dx)
            u = transport(transport(u, along_x, 0), along_y, 1)
            u = np.fft.irfft2(np.exp(-nu * symbol * dt) * np.fft.rfft2(u), u.shape)
            u = transport(transport(u, along_y, 1), along_x, 0)
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
