"""A manufactured problem solved back from its source by NumPy's complex FFT.

The simulator draws solutions and has nothing left to solve, so that only the difference
tells something here, and no speed. For the default settings: −a Δu = f, periodic.
"""

import numpy as np

from matey_core.simulators import Sample, Simulator


def trajectory(simulator: Simulator, sample: Sample) -> np.ndarray:
    """Solve one sample in float64: (2, 2, x, y)."""
    grid = simulator.spec.grid.shape[0]
    source = sample.state[0].numpy()
    k = 2 * np.pi * np.fft.fftfreq(grid, 1 / grid)
    kx, ky = np.meshgrid(k, k, indexing="ij")
    symbol = sample.parameters["a"] * (kx**2 + ky**2)
    symbol[0, 0] = np.inf
    solution = np.fft.ifft2(np.fft.fft2(source) / symbol).real
    return np.stack([np.stack([source, 0 * source]), np.stack([source, solution])])
