"""Stratified flow written plainly: whole-array NumPy over cells with ghosts, all in float64."""

import numpy as np

from matey_core.simulators import Sample, Simulator
from matey_core.simulators.colliding_thermals import CollidingThermals

GRAVITY, GAMMA, C0 = 9.8, 1.40027894002789400278940027894, 27.5629410929725921310572974482


def trajectory(simulator: Simulator, sample: Sample) -> np.ndarray:
    """Solve one sample in float64: (t, 4, z, x)."""
    assert isinstance(simulator, CollidingThermals)
    return Plain(simulator, sample).trajectory()


class Plain:
    """One sample: the column at cells and faces, and the splitting."""

    def __init__(self, simulator: CollidingThermals, sample: Sample) -> None:
        self.simulator = simulator
        self.start = sample.state.numpy()
        self.force = 0.0 if sample.static is None else sample.static[0].numpy()
        self.dz, self.dx = simulator.spec.grid.spacing
        rows = self.start.shape[1]
        density, theta = simulator.column((np.arange(-2, rows + 2) + 0.5) * self.dz)
        self.density, self.density_theta = density[:, None], (density * theta)[:, None]
        density, theta = simulator.column(np.arange(rows + 1) * self.dz)
        self.face_density, self.face_density_theta = density[:, None], (density * theta)[:, None]
        self.face_pressure = C0 * self.face_density_theta**GAMMA

    def trajectory(self) -> np.ndarray:
        """All frames of the stored fields."""
        state, done, stored = self.start, 0, [self.stored(self.start)]
        for due in self.simulator.steps[1:]:
            for index in range(done, due):
                for axis in "zx" if index % 2 else "xz":
                    state = self.sweep(state, axis)
            done = due
            stored.append(self.stored(state))
        return np.stack(stored)

    def stored(self, state: np.ndarray) -> np.ndarray:
        """Give dens, theta, uwnd, wwnd."""
        column, warm = self.density[2:-2], self.density_theta[2:-2]
        density = column + state[0]
        theta = (state[3] + warm) / density - warm / column
        return np.stack([state[0], theta, state[1] / density, state[2] / density])

    def sweep(self, state: np.ndarray, axis: str) -> np.ndarray:
        """Three stages along one axis, all from the same state."""
        rate = self.rate_x if axis == "x" else self.rate_z
        dt = self.simulator.dt
        new = state
        for share in (1 / 3, 1 / 2, 1):
            new = state + share * dt * rate(new, share * dt)
        return new

    def rate_x(self, state: np.ndarray, dt: float) -> np.ndarray:
        """Rate by fluxes along x."""
        cells = np.concatenate([state[..., -2:], state, state[..., :2]], -1)
        quads = (cells[..., :-3], cells[..., 1:-2], cells[..., 2:-1], cells[..., 3:])
        value, third = interpolate(*quads)
        density = value[0] + self.density[2:-2]
        u, w = value[1] / density, value[2] / density
        theta = (value[3] + self.density_theta[2:-2]) / density
        pressure = C0 * (density * theta) ** GAMMA
        flux = np.stack([density * u, density * u * u + pressure, density * u * w])
        flux = np.concatenate([flux, (density * u * theta)[None]]) + viscosity(self.dx, dt) * third
        rate = -np.diff(flux, axis=-1) / self.dx
        rate[2] += self.force / 2
        return rate

    def rate_z(self, state: np.ndarray, dt: float) -> np.ndarray:
        """Rate by fluxes along z, and by gravity."""
        cells = np.pad(state, ((0, 0), (2, 2), (0, 0)), mode="edge")
        cells[1, :2] *= self.density[:2] / self.density[2]
        cells[1, -2:] *= self.density[-2:] / self.density[-3]
        cells[2, :2] = cells[2, -2:] = 0
        value, third = interpolate(cells[:, :-3], cells[:, 1:-2], cells[:, 2:-1], cells[:, 3:])
        value[2, [0, -1]] = third[0, [0, -1]] = 0
        density = value[0] + self.face_density
        u, w = value[1] / density, value[2] / density
        theta = (value[3] + self.face_density_theta) / density
        pressure = C0 * (density * theta) ** GAMMA - self.face_pressure
        flux = np.stack([density * w, density * w * u, density * w * w + pressure])
        flux = np.concatenate([flux, (density * w * theta)[None]]) + viscosity(self.dz, dt) * third
        rate = -np.diff(flux, axis=1) / self.dz
        rate[2] += self.force / 2 - GRAVITY * state[0]
        return rate


def interpolate(
    a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Value and third difference at the face between b and c."""
    return (-a + 7 * b + 7 * c - d) / 12, -a + 3 * b - 3 * c + d


def viscosity(spacing: float, dt: float) -> float:
    """Coefficient of the third difference, which the flux loses."""
    return 0.05 * spacing / (16 * dt)
