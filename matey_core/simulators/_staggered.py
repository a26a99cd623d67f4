"""Incompressible flow on a staggered grid, with a projection that is exact.

F. H. Harlow and J. E. Welch, Phys. Fluids 8 (1965): u stands on faces across x, v on faces
across y, vorticity on corners; centered differences keep momentum and kinetic energy.
Arrays are (b, x, y). Of n × m cells, u has n + 1 × m values and v n × m + 1, those on the
walls included. In a channel that is periodic in x, the last face is the first once more.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.simulators._sines import Transform

Faces = tuple[Float[Tensor, "b x1 y"], Float[Tensor, "b x y1"]]
"""A vector field: its x-components across x, its y-components across y."""

KEEP = (0.0, 0.75, 1 / 3)
"""Share of the start in each stage of the third-order Runge–Kutta method of C.-W. Shu and
S. Osher, J. Comput. Phys. 77 (1988), at t + dt, t + dt/2 and t + dt."""
REAL_LIMIT, IMAGINARY_LIMIT = 2.51, 1.73
"""Largest decay rate and largest frequency, × dt, for which that method is stable."""


@dataclass(frozen=True, slots=True)
class Corners:
    """A vector field and its curl on corners, the walls included: (b, n + 1, m + 1) each."""

    x: Float[Tensor, "b x1 y1"]
    y: Float[Tensor, "b x1 y1"]
    curl: Float[Tensor, "b x1 y1"]
    """∂y/∂x − ∂x/∂y."""


class Box:
    """A rectangle of square cells between walls, or a channel between two of them.

    Args:
        shape: cells along x and along y.
        spacing: side of a cell.
        periodic: whether x wraps around.
    """

    def __init__(self, shape: tuple[int, int], spacing: float, *, periodic: bool = False) -> None:
        self.shape = shape
        self.spacing = spacing
        self.periodic = periodic
        self._pressure = Transform(("periodic" if periodic else "cells", "cells"), shape)

    def split(self, states: Float[Tensor, "b k x1 y1"]) -> Faces:
        """View the first two channels as the velocity."""
        columns, rows = self.shape
        return states[:, 0, :, :rows], states[:, 1, :columns]

    def ghosts(
        self,
        field: Faces,
        *,
        sign: int = -1,
        bottom: float | Float[Tensor, "*b x1"] = 0.0,
        top: float | Float[Tensor, "*b x1"] = 0.0,
    ) -> Faces:
        """Add a row of cells beyond each wall for the component along the wall.

        Args:
            field: both components.
            sign: −1: the component along a wall vanishes there; 1: its normal derivative does.
            bottom: what is added beyond the wall y = 0.
            top: what is added beyond the wall of largest y.

        Returns:
            (b, n + 1, m + 2) and (b, n + 2, m + 1).
        """
        u, v = field
        columns, rows = self.shape
        across_x = u.new_empty(len(u), columns + 1, rows + 2)
        across_y = v.new_empty(len(v), columns + 2, rows + 1)
        across_x[:, :, 1:-1] = u
        across_x[:, :, 0] = u[:, :, 0] * sign + bottom
        across_x[:, :, -1] = u[:, :, -1] * sign + top
        across_y[:, 1:-1] = v
        across_y[:, 0] = v[:, -1] if self.periodic else v[:, 0] * sign
        across_y[:, -1] = v[:, 0] if self.periodic else v[:, -1] * sign
        return across_x, across_y

    def corners(self, padded: Faces) -> Corners:
        """Average a field to the corners, and take its curl.

        Args:
            padded: with the cells beyond the walls, from `ghosts`.
        """
        u, v = padded
        left, right = v[:, :-1], v[:, 1:]
        below, above = u[:, :, :-1], u[:, :, 1:]
        curl = (right - left).sub_(above).add_(below).mul_(1 / self.spacing)
        return Corners((below + above).mul_(0.5), (left + right).mul_(0.5), curl)

    def acceleration(
        self, padded: Faces, corners: Corners, viscosity: float | Float[Tensor, "b 1 1"]
    ) -> Faces:
        """−∇·(v v) + ν Δv up to a gradient, which the projection removes; 0 on walls.

        ∇(v²) is left out of −∇·(v v), and Δv is written as minus the curl of the vorticity,
        which is the same for a field without divergence.

        Args:
            padded: the velocity with the cells beyond the walls.
            corners: the velocity on corners.
            viscosity: ν, a number or one for each sample.
        """
        u, v = padded
        columns, rows = self.shape
        across_x = u.new_zeros(len(u), columns + 1, rows)
        across_y = v.new_zeros(len(v), columns, rows + 1)
        product = corners.x * corners.y
        friction = corners.curl * viscosity
        # Twice the means over a cell, so that a fourth of the product is u² − v².
        u2, v2 = u[:, :-1, 1:-1] + u[:, 1:, 1:-1], v[:, 1:-1, :-1] + v[:, 1:-1, 1:]
        normal = (u2 - v2).mul_(u2.add_(v2)).mul_(0.25)
        shear = product + friction
        inner = across_x[:, 1:-1]
        torch.sub(normal[:, :-1], normal[:, 1:], out=inner)
        inner.add_(shear[:, 1:-1, :-1]).sub_(shear[:, 1:-1, 1:]).mul_(1 / self.spacing)
        if self.periodic:
            first = normal[:, -1] - normal[:, 0] + shear[:, 0, :-1] - shear[:, 0, 1:]
            across_x[:, 0] = across_x[:, -1] = first / self.spacing
        torch.sub(product, friction, out=shear)
        inner = across_y[:, :, 1:-1]
        torch.sub(shear[:, :-1, 1:-1], shear[:, 1:, 1:-1], out=inner)
        inner.mul_(1 / self.spacing)
        return across_x, across_y

    def divergence(self, field: Faces) -> Float[Tensor, "b x y"]:
        """Divergence in the cells, times the side of a cell."""
        u, v = field
        return (u[:, 1:] - u[:, :-1]).add_(v[:, :, 1:]).sub_(v[:, :, :-1])

    def project_(self, field: Faces) -> None:
        """Make a field free of divergence, in place, by taking a gradient from it.

        The values on walls must be 0, and stay what they are.
        """
        u, v = field
        coefficients = self._pressure.forward(self.divergence(field))
        coefficients *= self._pressure.reciprocals(u)
        potential = self._pressure.inverse(coefficients)
        u[:, 1:-1].add_(potential[:, 1:]).sub_(potential[:, :-1])
        v[:, :, 1:-1].add_(potential[:, :, 1:]).sub_(potential[:, :, :-1])
        if self.periodic:
            u[:, 0].add_(potential[:, 0]).sub_(potential[:, -1])
            u[:, -1] = u[:, 0]

    def centers(self, field: Faces) -> Float[Tensor, "b 2 x y"]:
        """Average a field to cell centers."""
        u, v = field
        return torch.stack([(u[:, 1:] + u[:, :-1]) / 2, (v[:, :, 1:] + v[:, :, :-1]) / 2], 1)

    def add_mean_(self, field: Faces, corners: Faces) -> None:
        """Add the means of values on corners to a field on faces, in place; not on walls.

        Args:
            field: what is changed.
            corners: (b, n + 1, m + 1) what is added to each component.
        """
        u, v = field
        x, y = corners
        u[:, 1:-1].add_(x[:, 1:-1, :-1], alpha=0.5).add_(x[:, 1:-1, 1:], alpha=0.5)
        v[:, :, 1:-1].add_(y[:, :-1, 1:-1], alpha=0.5).add_(y[:, 1:, 1:-1], alpha=0.5)
        if self.periodic:
            u[:, 0].add_(x[:, 0, :-1], alpha=0.5).add_(x[:, 0, 1:], alpha=0.5)
            u[:, -1] = u[:, 0]


def mix_(
    value: Float[Tensor, "b *n"],
    rate: Float[Tensor, "b *n"],
    dt: float | Float[Tensor, "b *ones"],
    start: Float[Tensor, "b *n"],
    keep: float,
) -> None:
    """End a Runge–Kutta stage in place: (1 − keep) (value + dt rate) + keep start.

    Not with `lerp`, whose rounding depends on where a value stands in memory.
    """
    value.add_(rate.mul_(dt))
    if keep:
        value.mul_(1 - keep).add_(start * keep)
