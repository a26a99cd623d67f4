"""How many trajectories a second each solver makes, beside the plain SciPy way."""

import time
from collections.abc import Iterator

import numpy as np
import torch
from scipy import sparse
from scipy.integrate import solve_ivp

from matey_core.simulators import SIMULATORS, Simulator
from matey_core.simulators._integrate import frames

GRIDS = (32, 64, 128)
BATCHES = (1, 16)
FRAMES = 101


def rows() -> Iterator[dict[str, object]]:
    for name in SIMULATORS.names():
        for grid in GRIDS:
            simulator = SIMULATORS[name](grid=grid, frames=FRAMES).build()
            if name in PLAIN:
                yield _row(name, grid, "scipy RK45, rtol 1e-3", 1, PLAIN[name](simulator))
            for batch in BATCHES:
                yield _row(name, grid, "matey float32", batch, _ours(simulator, batch))


def _row(name: str, grid: int, method: str, batch: int, seconds: float) -> dict[str, object]:
    return {
        "simulator": name,
        "grid": grid,
        "frames": FRAMES,
        "method": method,
        "batch": batch,
        "trajectories_per_second": batch / seconds,
    }


def _ours(simulator: Simulator, batch: int) -> float:
    starts = [simulator.start(np.random.RandomState(seed)) for seed in range(batch)]
    states = torch.stack(starts).float()
    began = time.perf_counter()
    for _ in frames(simulator, states):
        pass
    return time.perf_counter() - began


def _diffusion_reaction_in_scipy(simulator: Simulator) -> float:
    """The published way: one trajectory, a sparse Laplacian, an adaptive step, float64."""
    grid, spacing = simulator.spec.grid.shape[0], simulator.spec.grid.spacing[0]
    line = sparse.diags_array([1.0, -2.0, 1.0], offsets=[-1, 0, 1], shape=(grid, grid)).tolil()
    line[0, 0] = line[-1, -1] = -1.0
    identity = sparse.eye_array(grid)
    laplacian = (sparse.kron(line, identity) + sparse.kron(identity, line)).tocsr() / spacing**2

    def rate(_: float, state: np.ndarray) -> np.ndarray:
        u, v = np.split(state, 2)
        return np.concatenate(
            [1e-3 * (laplacian @ u) + u - u**3 - 5e-3 - v, 5e-3 * (laplacian @ v) + u - v]
        )

    start = simulator.start(np.random.RandomState(0)).numpy().ravel()
    times = simulator.spec.time_step * np.arange(simulator.num_frames)
    began = time.perf_counter()
    solve_ivp(rate, (0, times[-1]), start, t_eval=times, rtol=1e-3)
    return time.perf_counter() - began


PLAIN = {"diffusion_reaction": _diffusion_reaction_in_scipy}
