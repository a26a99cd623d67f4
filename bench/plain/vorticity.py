"""Periodic vorticity written plainly: NumPy's FFTs, v·∇ω as it stands, the 2/3 mask, RK4."""

import math

import numpy as np
import torch

from matey_core.simulators import Sample, Simulator
from matey_core.simulators.vorticity import RK4_IMAGINARY_LIMIT, SAFETY


def trajectory(simulator: Simulator, sample: Sample) -> np.ndarray:
    """Solve one sample in float64: (t, 3, x, y)."""
    return Plain(simulator, sample).trajectory()


class Plain:
    """One sample: wavenumbers, viscosity and force."""

    def __init__(self, simulator: Simulator, sample: Sample) -> None:
        points = simulator.spec.grid.shape[0]
        whole = np.fft.fftfreq(points, 1 / points)
        self.kx, self.ky = 2 * np.pi * whole[:, None], 2 * np.pi * whole[: points // 2 + 1]
        self.ky = np.abs(self.ky)
        self.square = self.kx**2 + self.ky**2
        limit = 2 * np.pi * points / 3 - 1e-9
        self.mask = (np.abs(self.kx) < limit) & (self.ky < limit)
        self.inverse = 1 / np.where(self.square, self.square, np.inf)
        self.points, self.times = points, simulator.times
        self.nu = sample.parameters["nu"]
        self.forcing = sample.parameters["forcing"]
        place = np.arange(points) / points
        angle = 2 * np.pi * (place[:, None] + place)
        self.force = np.fft.rfft2(self.forcing * (np.sin(angle) + np.cos(angle)))
        modes = torch.view_as_complex(sample.state[0]).T.numpy() * points**2
        width = modes.shape[1]
        self.start = np.zeros_like(self.square, dtype=complex)
        self.start[:width, :width] = modes[:width]
        self.start[points - width + 1 :, :width] = modes[width:]

    def trajectory(self) -> np.ndarray:
        """All frames of the stored fields."""
        vorticity, stored = self.start, [self.stored(self.start)]
        interval = self.times[1] - self.times[0]
        for _ in self.times[1:]:
            left = interval
            while left > 1e-12 * interval:
                dt = left / max(1, math.ceil(left / self.limit(vorticity, interval) - 1e-9))
                vorticity = self.step(vorticity, dt)
                left -= dt
            stored.append(self.stored(vorticity))
        return np.stack(stored)

    def velocity(self, vorticity: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Velocity of a vorticity's modes, on the grid."""
        stream = vorticity * self.inverse
        return self.on_grid(1j * self.ky * stream), self.on_grid(-1j * self.kx * stream)

    def on_grid(self, modes: np.ndarray) -> np.ndarray:
        """Sum modes on the grid."""
        return np.fft.irfft2(modes, s=(self.points, self.points))

    def stored(self, vorticity: np.ndarray) -> np.ndarray:
        """Give both velocities and the vorticity."""
        return np.stack([*self.velocity(vorticity), self.on_grid(vorticity)])

    def limit(self, vorticity: np.ndarray, interval: float) -> float:
        """Largest step."""
        u, v = self.velocity(vorticity)
        speed = (np.abs(u) + np.abs(v)).max() + self.forcing * interval / np.pi
        return SAFETY * RK4_IMAGINARY_LIMIT / (self.kx[self.mask[:, 0]].max() * speed)

    def rate(self, vorticity: np.ndarray) -> np.ndarray:
        """Give −v·∇ω + f, dealiased."""
        u, v = self.velocity(vorticity)
        slope_x = self.on_grid(1j * self.kx * vorticity)
        slope_y = self.on_grid(1j * self.ky * vorticity)
        return self.mask * np.fft.rfft2(-u * slope_x - v * slope_y) + self.force

    def step(self, w: np.ndarray, dt: float) -> np.ndarray:
        """One Runge–Kutta step with an integrating factor."""
        half = np.exp(-self.nu * self.square * dt / 2)
        first = self.rate(w)
        second = self.rate(half * (w + dt / 2 * first))
        third = self.rate(half * w + dt / 2 * second)
        fourth = self.rate(half**2 * w + dt * half * third)
        middle = 2 * half * (second + third)
        return half**2 * w + dt / 6 * (half**2 * first + middle + fourth)
