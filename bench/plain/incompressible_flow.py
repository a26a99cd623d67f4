"""Forced incompressible flow: staggered grid, three-stage Runge–Kutta, SciPy's transforms."""

import math

import numpy as np

from bench.plain._projection import project
from matey_core.simulators import Sample, Simulator


def trajectory(simulator: Simulator, sample: Sample) -> np.ndarray:
    """Solve one sample in float64: (t, 3, x, y)."""
    n = simulator.spec.grid.shape[0]
    assert sample.static is not None
    force, viscosity = sample.static.numpy(), sample.parameters["NU"]
    u = sample.state[0, :, :n].numpy()
    v = sample.state[1, :n].numpy()
    c = sample.state[2, :n, :n].numpy()
    kept = [observe(u, v, c)]
    for interval in np.diff(simulator.times):
        left = interval
        while left > 1e-12 * interval:
            speed = (np.abs(u[:-1]) + np.abs(v[:, :-1])).max() * n
            limit = 0.9 / math.hypot(8 * viscosity * n**2 / 2.51, speed)
            dt = left / math.ceil(left / limit - 1e-9)
            u, v, c = step(u, v, c, dt, force, viscosity)
            left -= dt
        kept.append(observe(u, v, c))
    return np.stack(kept)


def step(
    u: np.ndarray, v: np.ndarray, c: np.ndarray, dt: float, force: np.ndarray, viscosity: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Advance u and v on faces and the scalar c in cells."""
    u1, v1, c1 = u, v, c
    for keep in (0.0, 0.75, 1 / 3):
        u_rate, v_rate = accelerations(u1, v1, c1 * force, viscosity)
        c_rate = carry(c1, u1, v1)
        c1 = keep * c + (1 - keep) * (c1 + dt * c_rate)
        u1, v1 = project(
            keep * u + (1 - keep) * (u1 + dt * u_rate),
            keep * v + (1 - keep) * (v1 + dt * v_rate),
        )
    return u1, v1, c1


def accelerations(
    u: np.ndarray, v: np.ndarray, force: np.ndarray, viscosity: float
) -> tuple[np.ndarray, np.ndarray]:
    """−∇·(v v) + ν Δv + f on faces, 0 on walls."""
    h = 1 / len(v)
    u_ghost = np.concatenate([-u[:, :1], u, -u[:, -1:]], axis=1)
    v_ghost = np.concatenate([-v[:1], v, -v[-1:]], axis=0)
    product = (u_ghost[:, 1:] + u_ghost[:, :-1]) / 2 * (v_ghost[1:] + v_ghost[:-1]) / 2
    u_center, v_center = (u[1:] + u[:-1]) / 2, (v[:, 1:] + v[:, :-1]) / 2
    u_rate, v_rate = np.zeros_like(u), np.zeros_like(v)
    u_rate[1:-1] = (
        -np.diff(u_center**2, axis=0) / h
        - np.diff(product, axis=1)[1:-1] / h
        + viscosity * laplacian(u_ghost[:, 1:-1], u_ghost.T).T[1:-1] / h**2
        + (force[0, 1:] + force[0, :-1]) / 2
    )
    v_rate[:, 1:-1] = (
        -np.diff(v_center**2, axis=1) / h
        - np.diff(product, axis=0)[:, 1:-1] / h
        + viscosity * laplacian(v_ghost[1:-1].T, v_ghost)[:, 1:-1] / h**2
        + (force[1, :, 1:] + force[1, :, :-1]) / 2
    )
    return u_rate, v_rate


def laplacian(along: np.ndarray, ghosts: np.ndarray) -> np.ndarray:
    """h²Δ: second differences across rows with ghosts, and along, where walls are points."""
    along = np.pad(np.diff(along.T, n=2, axis=1), ((0, 0), (1, 1)))
    return np.diff(ghosts, n=2, axis=0) + along


def carry(c: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """−∇·(v c) with Koren's limiter."""
    rate = np.zeros_like(c)
    across = flow(c, u[1:-1]) * len(c)
    rate[:-1] -= across
    rate[1:] += across
    across = flow(c.T, v[:, 1:-1].T).T * len(c)
    rate[:, :-1] -= across
    rate[:, 1:] += across
    return rate


def flow(c: np.ndarray, speed: np.ndarray) -> np.ndarray:
    """Flow through the faces between rows."""
    slope = np.diff(c, axis=0)
    padded = np.pad(slope, ((1, 1), (0, 0)))
    behind = np.where(speed > 0, padded[:-2], padded[2:])
    upwind = np.where(speed > 0, c[:-1], c[1:])
    sign = np.sign(slope)
    least = np.minimum(
        np.minimum(2 * behind * sign, 2 * np.abs(slope)), sign * (slope + 2 * behind) / 3
    )
    return speed * upwind + np.abs(speed) * sign * np.maximum(least, 0) / 2


def observe(u: np.ndarray, v: np.ndarray, c: np.ndarray) -> np.ndarray:
    """Means in the cells."""
    return np.stack([(u[1:] + u[:-1]) / 2, (v[:, 1:] + v[:, :-1]) / 2, c])
