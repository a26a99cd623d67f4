"""A magnetic field in the plane: the curl of a potential, whose diffusion is implicit.

The three stages follow S. M. Cox and P. C. Matthews, J. Comput. Phys. 176 (2002), with e^z
replaced by 1/(1 − z + z²/2), which agrees with it to second order and vanishes as z → −∞.
A field that follows the flow at once, as diffusion makes it at a small magnetic Reynolds
number, is met to second order as well.
"""

from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.simulators._sines import Line, SineTransform
from matey_core.simulators._staggered import Box, Corners, Faces

Walls = Literal["insulating", "conducting"]
Potential = Float[Tensor, "b x1 y1"]
Waves = Float[Tensor, "b p q"]


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
        self._transform = SineTransform(("periodic" if box.periodic else line, line), box.shape)
        columns = box.shape[0]
        inner = slice(None) if walls == "insulating" else slice(1, -1)
        self._known = (slice(None), slice(columns) if box.periodic else inner, inner)

    def field(self, potential: Potential) -> Faces:
        """The field (a_y, −a_x) on faces: its divergence is zero but for rounding."""
        scale = 1 / self.box.spacing
        x = (potential[:, :, 1:] - potential[:, :, :-1]).mul_(scale)
        y = (potential[:, :-1] - potential[:, 1:]).mul_(scale)
        return x, y

    def corners(self, potential: Potential, imposed: tuple[float, float]) -> Corners:
        """The whole field on corners, and the electric current; both times the side of a cell.

        Args:
            potential: a.
            imposed: the uniform field.
        """
        padded = self.box.room(potential)
        x, y = padded
        torch.sub(potential[:, :, 1:], potential[:, :, :-1], out=x[:, :, 1:-1])
        torch.sub(potential[:, :-1], potential[:, 1:], out=y[:, 1:-1])
        self.box.fill_beyond_(padded, sign=-1 if self.walls == "insulating" else 1)
        for component, value in zip(padded, imposed, strict=True):
            if value:
                component.add_(value * self.box.spacing)
        return self.box.corners(padded)

    def march(
        self, start: Potential, dt: Float[Tensor, "b1 1 1"], rm: Float[Tensor, "b 1 1"]
    ) -> "March":
        """Prepare a step.

        Args:
            start: potential at the beginning.
            dt: the step.
            rm: magnetic Reynolds number.
        """
        rate = dt / (2 * rm * self.box.spacing**2)
        return March(self, start, dt, self._transform.eigenvalues(start) * rate)

    def to_waves(self, values: Potential) -> Waves:
        """Coefficients of what is not fixed on the walls."""
        return self._transform.forward(values[self._known])

    def write(self, out: Potential, coefficients: Waves) -> None:
        """Evaluate coefficients into a potential that is 0 where it is fixed."""
        out[self._known] = self._transform.inverse(coefficients)
        if self.box.periodic:
            out[:, -1] = out[:, 0]


class March:
    """The three stages of a step, in the order in which they must be called.

    Each takes the electromotive force of the stage before it, and writes the next potential.

    Args:
        induction: where.
        start: potential at t.
        dt: the step.
        half: −z/2 = dt/(2 Rm) times the eigenvalues of −Δ.
    """

    def __init__(self, induction: Induction, start: Potential, dt: Tensor, half: Waves) -> None:
        self._induction = induction
        self._dt = dt
        self._before = induction.to_waves(start)
        self._half = half
        self._forces: list[Waves] = []

    def whole(self, force: Potential, out: Potential) -> None:
        """From t to t + dt, as the first stage has it."""
        first = self._keep(force)
        growth = self._half + 1
        self._decay = (self._half * growth).mul_(2).add_(1).reciprocal_()
        self._induction.write(out, torch.addcmul(self._before, first, growth).mul_(self._decay))

    def middle(self, force: Potential, out: Potential) -> None:
        """From t + dt to t + dt/2.

        Where the field follows the flow at once, the first stage has it late by dt; this one
        has it early by dt/4, so that the mean force over the step is right.
        """
        second, quarter = self._keep(force), self._half / 4
        decay = (self._half * (2 * quarter + 1)).add_(1).reciprocal_()
        total = torch.addcmul(self._before, self._forces[0], quarter + 1, value=0.25)
        total.addcmul_(second, 3 * quarter + 1, value=0.25)
        self._induction.write(out, total.mul_(decay))

    def last(self, force: Potential, out: Potential) -> None:
        """From t + dt/2 to t + dt."""
        third = self._keep(force)
        first, second, _ = self._forces
        total = torch.addcmul(self._before, self._half + 1 / 6, second)
        total.add_(first, alpha=1 / 6).add_(third, alpha=2 / 3).mul_(self._decay)
        self._induction.write(out, total)

    def _keep(self, force: Potential) -> Waves:
        self._forces.append(self._induction.to_waves(force).mul_(self._dt))
        return self._forces[-1]
