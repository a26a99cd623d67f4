"""Diffusion–reaction as published: a sparse Laplacian and SciPy's adaptive RK45, rtol 1e-3."""

import numpy as np
from scipy import sparse
from scipy.integrate import solve_ivp

from matey_core.simulators import Sample, Simulator


def trajectory(simulator: Simulator, sample: Sample) -> np.ndarray:
    """Solve one sample in float64: (t, 2, y, x)."""
    grid, spacing = simulator.spec.grid.shape[0], simulator.spec.grid.spacing[0]
    line = sparse.diags_array([1.0, -2.0, 1.0], offsets=[-1, 0, 1], shape=(grid, grid)).tolil()
    line[0, 0] = line[-1, -1] = -1.0
    identity = sparse.eye_array(grid)
    laplacian = (sparse.kron(line, identity) + sparse.kron(identity, line)).tocsr() / spacing**2
    constants = sample.parameters

    def rate(_: float, state: np.ndarray) -> np.ndarray:
        u, v = np.split(state, 2)
        return np.concatenate(
            [
                constants["Du"] * (laplacian @ u) + u - u**3 - constants["k"] - v,
                constants["Dv"] * (laplacian @ v) + u - v,
            ]
        )

    times = simulator.times
    start = sample.state.numpy().ravel()
    solution = solve_ivp(rate, (0, times[-1]), start, t_eval=times, rtol=1e-3)
    return solution.y.T.reshape(len(times), 2, grid, grid)
