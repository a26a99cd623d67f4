"""1D Burgers by MUSCL–Hancock and Strang splitting, its diffusion by NumPy's transforms."""

import numpy as np

from bench.plain._transport import transport
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
