"""A magnetic field in the plane: the curl of a potential, whose diffusion is implicit.

The three stages follow S. M. Cox and P. C. Matthews, J. Comput. Phys. 176 (2002), with e^z
replaced by 1/(1 − z + z²/2), which agrees with it to second order and vanishes as z → −∞.
A field that follows the flow at once, as diffusion makes it at a small magnetic Reynolds
number, is met to second order as well.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from jaxtyping import Float
from torch import Tensor

from matey_core.simulators._sines import Line, Transform
from matey_core.simulators._staggered import Box, Corners, Faces

Walls = Literal["insulating", "conducting"]
Potential = Float[Tensor, "b x1 y1"]


@dataclass(frozen=True, slots=True)
class March:
    """Three maps from the electromotive force of a stage to the potential of the next."""

    whole: Callable[[Potential], Potential]
    """From the force at t to the potential at t + dt, as the first stage has it."""
    half: Callable[[Potential], Potential]
    """From the force at t + dt to the potential at t + dt/2."""
    last: Callable[[Potential], Potential]
    """From the force at t + dt/2 to the potential at t + dt."""


class Induction:
    """a_t = F + (1/Rm) Δa on corners, F the electromotive force.

    Args:
        box: where.
        walls: `insulating`: a has no slope across walls, so that the field along them
            vanishes; `conducting`: a = 0 on walls, so that the field across them vanishes,
            and so does the electric field.
    """

    def __init__(self, box: Box, walls: Walls) -> None:
        self.box = box
        self.walls = walls
        line: Line = "nodes" if walls == "insulating" else "interior"
        self._transform = Transform(("periodic" if box.periodic else line, line), box.shape)
        columns = box.shape[0]
        inner = slice(None) if walls == "insulating" else slice(1, -1)
        self._known = (slice(None), slice(columns) if box.periodic else inner, inner)

    def field(self, potential: Potential) -> Faces:
        """The field (a_y, −a_x) on faces: its divergence is zero but for rounding."""
        scale = 1 / self.box.spacing
        x = (potential[:, :, 1:] - potential[:, :, :-1]).mul_(scale)
        y = (potential[:, :-1] - potential[:, 1:]).mul_(scale)
        return x, y

    def corners(self, potential: Potential, lid_current: Float[Tensor, "*b x1"]) -> Corners:
        """The field and its curl, the electric current, on corners.

        Args:
            potential: a.
            lid_current: current on the lid if it conducts: there Ohm's law has no
                electric field, and the current is Rm v×B.
        """
        field = self.field(potential)
        if self.walls == "insulating":
            return self.box.corners(self.box.ghosts(field))
        step = -self.box.spacing * lid_current
        return self.box.corners(self.box.ghosts(field, sign=1, top=step))

    def march(self, start: Potential, dt: float | Tensor, rm: Float[Tensor, "b *ones"]) -> March:
        """Prepare a step.

        Args:
            start: potential at the beginning.
            dt: a number, or (b, 1, 1).
            rm: magnetic Reynolds number, one for each sample.
        """
        eigenvalues = self._transform.eigenvalues(start)
        z = eigenvalues * (-dt / (rm.view(-1, 1, 1) * self.box.spacing**2))
        decay = 1 / (1 - z + z * z / 2)
        half_decay = 1 / (1 - z / 2 + z * z / 8)
        before = self._transform.forward(start[self._known])
        forces: list[Tensor] = []

        def keep(force: Potential) -> None:
            forces.append(self._transform.forward(force[self._known]) * dt)

        def whole(force: Potential) -> Potential:
            keep(force)
            return self._values(decay * (before + (1 - z / 2) * forces[0]))

        def half(force: Potential) -> Potential:
            keep(force)
            mean = (forces[0] + forces[1]) / 4
            return self._values(half_decay * (before + (1 - z / 4) * mean))

        def last(force: Potential) -> Potential:
            keep(force)
            first, second, third = forces
            total = before + first / 6 + third * (2 / 3) + (1 / 6 - z / 2) * second
            return self._values(decay * total)

        return March(whole, half, last)

    def _values(self, coefficients: Float[Tensor, "b p q"]) -> Potential:
        """Potential on all corners."""
        columns, rows = self.box.shape
        potential = coefficients.new_zeros(len(coefficients), columns + 1, rows + 1)
        potential[self._known] = self._transform.inverse(coefficients)
        if self.box.periodic:
            potential[:, -1] = potential[:, 0]
        return potential
