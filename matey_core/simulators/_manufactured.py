"""Random smooth functions whose every derivative is exact: the method of manufactured solutions.

Choose a solution, put it into the equation, and what comes out is the forcing (Salari and
Knupp 2000). A solver given that forcing must find the solution, to its order of accuracy.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.fields import Boundary


@dataclass(frozen=True, slots=True, kw_only=True)
class SmoothFunction:
    """s(x, t) = mean + Σₘ Aₘ cos(ωₘ t + θₘ) Πₐ cos(kₘₐ xₐ + φₘₐ).

    Points are given as one tensor of coordinates per axis that broadcast against each other:
    of an open grid, or of a list of points. Values come in their dtype and differentiate.
    """

    mean: float
    amplitudes: Float[np.ndarray, " m"]
    wavenumbers: Float[np.ndarray, "m a"]
    phases: Float[np.ndarray, "m a"]
    frequencies: Float[np.ndarray, " m"]
    delays: Float[np.ndarray, " m"]

    def value(self, points: Sequence[Tensor], time: float = 0.0) -> Tensor:
        """Evaluate s.

        Args:
            points: coordinates per axis.
            time: t.
        """
        return self.derivative(points, (0,) * len(points), time=time)

    def gradient(self, points: Sequence[Tensor], time: float = 0.0) -> list[Tensor]:
        """Evaluate ∂s/∂xₐ for each axis."""
        return [self.derivative(points, orders, time=time) for orders in _units(len(points))]

    def laplacian(self, points: Sequence[Tensor], time: float = 0.0) -> Tensor:
        """Evaluate Δs."""
        seconds = ([2 * order for order in orders] for orders in _units(len(points)))
        return torch.stack([self.derivative(points, orders, time=time) for orders in seconds]).sum(
            0
        )

    def rate(self, points: Sequence[Tensor], time: float = 0.0) -> Tensor:
        """Evaluate ∂s/∂t."""
        return self.derivative(points, (0,) * len(points), time=time, time_order=1)

    def derivative(
        self,
        points: Sequence[Tensor],
        orders: Sequence[int],
        *,
        time: float = 0.0,
        time_order: int = 0,
    ) -> Tensor:
        """Evaluate any derivative: n times cos(kx + φ) is kⁿ cos(kx + φ + nπ/2).

        Args:
            points: coordinates per axis.
            orders: how often to differentiate along each axis.
            time: t.
            time_order: how often to differentiate in time.
        """
        factors = self.frequencies**time_order * np.cos(
            self.frequencies * time + self.delays + time_order * math.pi / 2
        )
        shape = torch.broadcast_shapes(*(coordinate.shape for coordinate in points))
        is_value = not any(orders) and not time_order
        total = points[0].new_full(shape, self.mean if is_value else 0.0)
        for wave, factor in enumerate(self.amplitudes * factors):
            product = points[0].new_tensor(factor)
            for axis, (coordinate, order) in enumerate(zip(points, orders, strict=True)):
                k = float(self.wavenumbers[wave, axis])
                shift = float(self.phases[wave, axis]) + order * math.pi / 2
                product = product * torch.cos(coordinate * k + shift) * k**order
            total = total + product
        return total


def random_function(
    random: np.random.RandomState,
    *,
    lengths: Sequence[float],
    boundary: Boundary = "periodic",
    mean: float = 0.0,
    amplitude: float = 1.0,
    waves: int = 8,
    wavenumber: int = 4,
    frequency: float = 0.0,
) -> SmoothFunction:
    """Draw a function that keeps a boundary condition on a box with one corner at the origin.

    Args:
        random: what to draw from.
        lengths: sides of the box, one per axis.
        boundary: `periodic`; `dirichlet`: the mean on all walls; `no_flux`: no slope across them.
        mean: what the waves are added to; also the mean over a periodic or no-flux box.
        amplitude: |s − mean| is smaller at every point and time.
        waves: how many.
        wavenumber: largest number of periods (between walls: of half periods) per axis.
        frequency: largest |ω|; 0: s does not depend on time.
    """
    axes = len(lengths)
    lowest = 1 if boundary == "dirichlet" else 0
    periods = np.zeros((waves, axes))
    while (is_flat := ~periods.any(1)).any():
        draws = random.randint(lowest, wavenumber + 1, size=(waves, axes))
        periods[is_flat] = draws[is_flat]
    phases = random.uniform(high=2 * math.pi, size=(waves, axes))
    sizes = random.uniform(0.5, 1, size=waves) / np.sqrt((periods**2).sum(1))
    signs = random.choice([-1.0, 1.0], size=waves)
    frequencies = frequency * random.uniform(size=waves)
    delays = random.uniform(high=2 * math.pi, size=waves) if frequency else np.zeros(waves)
    if boundary != "periodic":
        phases = np.full_like(phases, -math.pi / 2 if boundary == "dirichlet" else 0.0)
    base = 2 * math.pi if boundary == "periodic" else math.pi
    return SmoothFunction(
        mean=mean,
        amplitudes=amplitude * signs * sizes / sizes.sum(),
        wavenumbers=base * periods / np.asarray(lengths, np.float64),
        phases=phases,
        frequencies=frequencies,
        delays=delays,
    )


def cell_centers(cells: Sequence[int], lengths: Sequence[float]) -> list[Tensor]:
    """Give cell centres of a box as an open grid: one tensor per axis, in float64."""
    axes = len(cells)
    return [
        ((torch.arange(count, dtype=torch.float64) + 0.5) * (length / count)).view(
            *(-1 if other == axis else 1 for other in range(axes))
        )
        for axis, (count, length) in enumerate(zip(cells, lengths, strict=True))
    ]


def _units(axes: int) -> list[list[int]]:
    return np.eye(axes, dtype=int).tolist()
