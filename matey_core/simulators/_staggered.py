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

from matey_core.fields import Grid
from matey_core.simulators._sines import SineTransform

Faces = tuple[Float[Tensor, "b x1 y"], Float[Tensor, "b x y1"]]
"""A vector field: its x-components across x, its y-components across y."""
Pair = tuple[Float[Tensor, "b _ _"], Float[Tensor, "b _ _"]]
"""The same with the faces beyond the walls as well, or without those on walls."""

KEEP = (0.0, 0.75, 1 / 3)
"""Share of the start in each stage of the third-order Runge–Kutta method of C.-W. Shu and
S. Osher, J. Comput. Phys. 77 (1988), at t + dt, t + dt/2 and t + dt."""
REAL_LIMIT, IMAGINARY_LIMIT = 2.51, 1.73
"""Largest decay rate and largest frequency, × dt, for which that method is stable."""


@dataclass(frozen=True, slots=True)
class Corners:
    """A vector field and its curl on corners, the walls included: (b, n + 1, m + 1) each."""

    x: Float[Tensor, "b x1 y1"]
    """Twice the mean."""
    y: Float[Tensor, "b x1 y1"]
    """Twice the mean."""
    curl: Float[Tensor, "b x1 y1"]
    """∂y/∂x − ∂x/∂y, times the side of a cell."""


def walled_square(count: int) -> Grid:
    """Describe the unit square between walls without slip."""
    return Grid(
        axes=("x", "y"),
        shape=(count, count),
        spacing=(1 / count, 1 / count),
        boundary=("no_slip", "no_slip"),
    )


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
        self._moving = slice(0, -1) if periodic else slice(1, -1)
        self._pressure = SineTransform(("periodic" if periodic else "cells", "cells"), shape)

    def split(self, states: Float[Tensor, "b k x1 y1"]) -> Faces:
        """View the first two channels as the velocity."""
        columns, rows = self.shape
        return states[:, 0, :, :rows], states[:, 1, :columns]

    def moving(self, field: Faces) -> Pair:
        """View the faces that are not on walls, and of a periodic axis not the last one."""
        u, v = field
        return u[:, self._moving], v[:, :, 1:-1]

    def room(self, like: Float[Tensor, "b *n"]) -> Pair:
        """Make arrays for a field with a row of cells beyond each wall.

        Returns:
            (b, n + 1, m + 2) and (b, n + 2, m + 1): the rows at the ends of the second axis
            are the first array's, those of the first axis the second's.
        """
        columns, rows = self.shape
        return (
            like.new_empty(len(like), columns + 1, rows + 2),
            like.new_empty(len(like), columns + 2, rows + 1),
        )

    def fill_beyond_(
        self, padded: Pair, *, sign: int = -1, top: float | Float[Tensor, "*b x1"] = 0.0
    ) -> None:
        """Set a field beyond the walls, in place.

        Args:
            padded: a field in `room`.
            sign: −1: the component along a wall vanishes there; 1: its slope does.
            top: what is added beyond the wall of largest y.
        """
        u, v = padded
        u[:, :, 0] = u[:, :, 1] * sign
        u[:, :, -1] = u[:, :, -2] * sign + top
        v[:, 0] = v[:, -2] if self.periodic else v[:, 1] * sign
        v[:, -1] = v[:, 1] if self.periodic else v[:, -2] * sign

    def pad(self, velocity: Faces, lid: float | Float[Tensor, " x1"] = 0.0) -> Pair:
        """Continue a velocity beyond the walls, on which the fluid does not slip.

        Args:
            velocity: on faces.
            lid: speed along x of the wall of largest y.
        """
        padded = self.room(velocity[0])
        padded[0][:, :, 1:-1] = velocity[0]
        padded[1][:, 1:-1] = velocity[1]
        self.fill_beyond_(padded, top=2 * lid)
        return padded

    def corners(self, padded: Pair) -> Corners:
        """Take a field with its values beyond the walls to the corners."""
        u, v = padded
        left, right = v[:, :-1], v[:, 1:]
        below, above = u[:, :, :-1], u[:, :, 1:]
        return Corners(below + above, left + right, (right - left).sub_(above).add_(below))

    def acceleration(
        self, padded: Pair, corners: Corners, viscosity: float | Float[Tensor, "b 1 1"]
    ) -> Pair:
        """4h (−∇·(v v) + ν Δv) up to a gradient, which the projection removes.

        ∇(v²) is left out of −∇·(v v), and Δv is written as minus the curl of the vorticity,
        which is the same for a field without divergence.

        Args:
            padded: the velocity with its values beyond the walls.
            corners: the velocity on corners.
            viscosity: ν, a number or one for each sample.

        Returns:
            On the faces of `moving`.
        """
        u, v = padded
        product = corners.x * corners.y
        friction = corners.curl * (4 / self.spacing * viscosity)
        shear = product + friction
        u2, v2 = u[:, :-1, 1:-1] + u[:, 1:, 1:-1], v[:, 1:-1, :-1] + v[:, 1:-1, 1:]
        normal = self._wrapped((u2 - v2).mul_(u2.add_(v2)))
        across_x = normal[:, :-1] - normal[:, 1:]
        across_x.add_(shear[:, self._moving, :-1]).sub_(shear[:, self._moving, 1:])
        product.sub_(friction)
        return across_x, product[:, :-1, 1:-1] - product[:, 1:, 1:-1]

    def add_cross_(self, rates: Pair, scalar: Float[Tensor, "b x1 y1"], corners: Corners) -> None:
        """Add 4 (s e_z) × B to a field on `moving` faces, in place.

        What acts on walls moves nothing: so the force does as much work on the fluid as the
        electromotive force v×B on corners does on the current s.

        Args:
            rates: what is changed.
            scalar: s on corners; it is set to 0 on walls.
            corners: B.
        """
        scalar[:, :, 0] = scalar[:, :, -1] = 0
        if not self.periodic:
            scalar[:, 0] = scalar[:, -1] = 0
        u, v = rates
        force = scalar * corners.y
        u.sub_(force[:, self._moving, :-1]).sub_(force[:, self._moving, 1:])
        torch.mul(scalar, corners.x, out=force)
        v.add_(force[:, :-1, 1:-1]).add_(force[:, 1:, 1:-1])

    def divergence(self, field: Faces) -> Float[Tensor, "b x y"]:
        """Divergence in the cells, times the side of a cell."""
        u, v = field
        return (u[:, 1:] - u[:, :-1]).add_(v[:, :, 1:]).sub_(v[:, :, :-1])

    def project_(self, field: Faces) -> None:
        """Make a field free of divergence, in place, by taking a gradient from it.

        The values on walls must be 0, and stay what they are.
        """
        if self.periodic:
            field[0][:, -1] = field[0][:, 0]
        coefficients = self._pressure.forward(self.divergence(field))
        coefficients *= self._pressure.reciprocals(coefficients)
        potential = self._pressure.inverse(coefficients)
        along_x = self._wrapped(potential)
        u, v = self.moving(field)
        u.add_(along_x[:, 1:]).sub_(along_x[:, :-1])
        v.add_(potential[:, :, 1:]).sub_(potential[:, :, :-1])
        if self.periodic:
            field[0][:, -1] = field[0][:, 0]

    def centers(self, field: Faces) -> Float[Tensor, "b 2 x y"]:
        """Average a field to cell centers."""
        u, v = field
        return torch.stack([(u[:, 1:] + u[:, :-1]) / 2, (v[:, :, 1:] + v[:, :, :-1]) / 2], 1)

    def _wrapped(self, values: Float[Tensor, "b x y"]) -> Float[Tensor, "b x1 y"]:
        return torch.cat([values[:, -1:], values], 1) if self.periodic else values


def mix_(
    value: Float[Tensor, "b *n"],
    rate: Float[Tensor, "b *n"],
    dt: Float[Tensor, "b1 *ones"],
    start: Float[Tensor, "b *n"],
    keep: float,
) -> None:
    """End a Runge–Kutta stage in place: (1 − keep) (value + dt rate) + keep start."""
    value.addcmul_(rate, dt)
    if keep:
        value.lerp_(start, keep)
