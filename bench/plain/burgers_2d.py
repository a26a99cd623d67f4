"""2D Burgers by MUSCL–Hancock and Strang splitting, its diffusion by NumPy's transforms."""

import numpy as np

from bench.plain._transport import transport
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
