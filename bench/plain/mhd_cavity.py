"""The MHD cavity: staggered grid, three-stage Runge–Kutta, cosine transforms of SciPy."""

import math
from collections.abc import Mapping

import numpy as np
from scipy.fft import dctn, idctn

from bench.plain._projection import project
from matey_core.simulators import Sample, Simulator

LID, IMPOSED = 1.0, 1.0
"""Plain settings: a lid that moves at 1, insulating walls, a field across the lid."""


def trajectory(simulator: Simulator, sample: Sample) -> np.ndarray:
    """Solve one sample in float64: (t, 4, x, y)."""
    n = simulator.spec.grid.shape[0]
    u, v, a = np.zeros((n + 1, n)), np.zeros((n, n + 1)), np.zeros((n + 1, n + 1))
    times = simulator.times
    kept = [observe(u, v, a)]
    for interval in np.diff(times):
        left = interval
        while left > 1e-12 * interval:
            limit = stable_step(u, v, a, sample.parameters)
            dt = left / math.ceil(left / limit - 1e-9)
            u, v, a = step(u, v, a, dt, sample.parameters)
            left -= dt
        kept.append(observe(u, v, a))
    return np.stack(kept)


def step(
    u: np.ndarray, v: np.ndarray, a: np.ndarray, dt: float, constants: Mapping[str, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Advance u and v on faces and the potential a on corners."""
    n = len(v)
    wave = 4 * np.sin(np.pi * np.arange(n + 1) / (2 * n)) ** 2 * n**2
    z = -dt / constants["Rm"] * (wave[:, None] + wave)
    decay, half_decay = 1 / (1 - z + z**2 / 2), 1 / (1 - z / 2 + z**2 / 8)
    start = dctn(a, type=1)

    u_rate, v_rate, force = rates(u, v, a, constants)
    first = dt * dctn(force, type=1)
    u1, v1 = project(u + dt * u_rate, v + dt * v_rate)
    a1 = idctn(decay * (start + (1 - z / 2) * first), type=1)

    u_rate, v_rate, force = rates(u1, v1, a1, constants)
    second = dt * dctn(force, type=1)
    u2, v2 = project(
        0.75 * u + 0.25 * (u1 + dt * u_rate),
        0.75 * v + 0.25 * (v1 + dt * v_rate),
    )
    middle = ((1 - z / 8) * first + (1 - 3 * z / 8) * second) / 4
    a2 = idctn(half_decay * (start + middle), type=1)

    u_rate, v_rate, force = rates(u2, v2, a2, constants)
    third = dt * dctn(force, type=1)
    u3, v3 = project(u / 3 + 2 / 3 * (u2 + dt * u_rate), v / 3 + 2 / 3 * (v2 + dt * v_rate))
    a3 = idctn(decay * (start + first / 6 + (1 / 6 - z / 2) * second + 2 / 3 * third), type=1)
    return u3, v3, a3


def rates(
    u: np.ndarray, v: np.ndarray, a: np.ndarray, constants: Mapping[str, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Accelerations on faces, 0 on walls, and the electromotive force on corners."""
    h, reynolds, stuart = 1 / len(v), constants["Re"], constants["S"]
    u_ghost = np.pad(u, ((0, 0), (1, 1)))
    u_ghost[:, 0] = -u[:, 0]
    u_ghost[1:-1, -1] = 2 * LID - u[1:-1, -1]
    v_ghost = np.pad(v, ((1, 1), (0, 0)))
    v_ghost[0], v_ghost[-1] = -v[0], -v[-1]
    u_corner, v_corner, vorticity = corners(u_ghost, v_ghost, h)

    bx, by = np.diff(a, axis=1) / h, -np.diff(a, axis=0) / h
    bx_ghost = np.concatenate([-bx[:, :1], bx, -bx[:, -1:]], axis=1)
    by_ghost = np.concatenate([-by[:1], by, -by[-1:]], axis=0)
    bx_corner, by_corner, current = corners(bx_ghost, by_ghost, h)
    by_corner = by_corner + IMPOSED
    current[0] = current[-1] = 0.0
    current[:, 0] = current[:, -1] = 0.0

    u_center, v_center = (u[1:] + u[:-1]) / 2, (v[:, 1:] + v[:, :-1]) / 2
    product = u_corner * v_corner
    u_rate, v_rate = np.zeros_like(u), np.zeros_like(v)
    u_rate[1:-1] = (
        -np.diff(u_center**2, axis=0) / h
        - np.diff(product + vorticity / reynolds, axis=1)[1:-1] / h
        - stuart * mean(current * by_corner, axis=1)[1:-1]
    )
    v_rate[:, 1:-1] = (
        -np.diff(v_center**2, axis=1) / h
        - np.diff(product - vorticity / reynolds, axis=0)[:, 1:-1] / h
        + stuart * mean(current * bx_corner, axis=0)[:, 1:-1]
    )
    return u_rate, v_rate, u_corner * by_corner - v_corner * bx_corner


def corners(x: np.ndarray, y: np.ndarray, h: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Means and curl of a field that goes on beyond the walls."""
    return mean(x, axis=1), mean(y, axis=0), np.diff(y, axis=0) / h - np.diff(x, axis=1) / h


def mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Means of neighbors."""
    if axis == 0:
        return (values[1:] + values[:-1]) / 2
    return (values[:, 1:] + values[:, :-1]) / 2


def stable_step(
    u: np.ndarray, v: np.ndarray, a: np.ndarray, constants: Mapping[str, float]
) -> float:
    """The step that the solver takes."""
    h = 1 / len(v)
    flow = max((np.abs(u[:-1]) + np.abs(v[:, :-1])).max(), LID) / h
    field = max(
        np.abs(np.diff(a, axis=1)).max() / h,
        np.abs(IMPOSED - np.diff(a, axis=0) / h).max(),
    )
    pull = constants["S"] * field**2
    wave = min(math.sqrt(pull) / h, pull * constants["Rm"] * 1.73 / 0.9)
    return 0.9 / math.hypot(8 / constants["Re"] / h**2 / 2.51, (flow + wave) / 1.73)


def observe(u: np.ndarray, v: np.ndarray, a: np.ndarray) -> np.ndarray:
    """Means in the cells."""
    n = len(v)
    bx, by = np.diff(a, axis=1) * n, -np.diff(a, axis=0) * n
    return np.stack([mean(u, 0), mean(v, 1), mean(bx, 0), mean(by, 1)])
