"""Fisher's equation by Strang splitting, its diffusion by NumPy's transforms."""

import numpy as np

from matey_core.simulators import Sample, Simulator
from matey_core.simulators.reaction_diffusion_1d import GROWTH, SMOOTHING


def trajectory(simulator: Simulator, sample: Sample) -> np.ndarray:
    """Solve one sample in float64: (t, 1, x)."""
    cells, dx = simulator.spec.grid.shape[0], simulator.spec.grid.spacing[0]
    nu, rho = sample.parameters["Nu"], sample.parameters["rho"]
    symbol = 4 * np.sin(np.pi * np.arange(cells // 2 + 1) / cells) ** 2 / dx**2
    u = sample.state[0].numpy()
    frames = [u]
    for interval in np.diff(simulator.times):
        left = interval
        while left > 1e-12 * interval:
            second = np.roll(u, -1) - 2 * u + np.roll(u, 1)
            diffusing = nu * np.abs(second).max() / (SMOOTHING * dx**2 * np.abs(u).max())
            dt = left / max(1, np.ceil(left * max(diffusing, rho / GROWTH) - 1e-9))
            growth = np.exp(rho * dt / 2)
            u = u * growth / (1 + u * (growth - 1))
            u = np.fft.irfft(np.exp(-nu * symbol * dt) * np.fft.rfft(u), cells)
            u = u * growth / (1 + u * (growth - 1))
            left -= dt
        frames.append(u)
    return np.stack(frames)[:, None]
