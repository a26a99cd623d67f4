"""One-dimensional wave propagation for the shallow-water equations, along either axis.

Roe's solver, the monotonized-central limiter and the correction of second order
(R. J. LeVeque, Finite Volume Methods for Hyperbolic Problems, 2002, sections 6.12 and 15.3),
written as fluxes, so that what leaves a cell enters its neighbor.

All arithmetic is in place: fresh memory for each pass would cost more than the passes.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

GHOSTS = 2
"""Cells beyond each end that a sweep needs."""
BUFFERS = 30
"""Channels of memory that a sweep works in."""
SMALLEST = 1e-30
"""Stands for the squared size of a wave that is not there; float32 holds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One step of the equations along one axis."""

    axis: int
    """Which component of momentum is along the axis: 0 or 1."""
    stride: int
    """Distance of neighbors along the axis, in channels whose rows lie one behind the other."""
    ratio: float | Float[Tensor, "b 1"]
    """Time step over size of a cell."""
    gravity: Float[Tensor, "b 1"]
    work: Float[Tensor, "_buffers b _n"]
    """`BUFFERS` channels of memory; what they hold is lost."""

    def __call__(
        self, state: Float[Tensor, "3 b _n"], out: Float[Tensor, "3 b _wide"]
    ) -> Float[Tensor, "3 b _m"]:
        """Advance a state.

        Args:
            state: height and both components of momentum; left as it is.
            out: memory for the result.

        Returns:
            the new state in `out`, shorter by 2 `stride` at both ends: what lacks neighbors.
        """
        n = state.shape[-1]
        along, across = 1 + self.axis, 2 - self.axis
        root, flow, flux, cells, *_ = self.work[:8, :, :n].split((1, 2, 3, 2))
        faces = self.work[8:, :, : n - self.stride]
        velocity, c, jump, strength, speed, last, *free = faces.split((2, 1, 3, 3, 3, 1, 3, 3, 3))

        height = state[:1]
        torch.sqrt(height, out=root)
        torch.div(state[1:], root, out=flow)

        # Roe's means at the faces.
        weight = self._sum(root, last).reciprocal_()
        self._sum(flow, velocity).mul_(weight)
        self._sum(height, c).mul_(self.gravity / 2).sqrt_()
        u, v = velocity[self.axis], velocity[1 - self.axis]

        # Twice the strengths of the two gravity waves, and of the shear wave between them.
        self._jump(state, jump)
        missing = torch.mul(u, jump[0], out=last[0]).sub_(jump[along]).div_(c[0])
        torch.add(jump[0], missing, out=strength[0])
        torch.sub(jump[0], missing, out=strength[1])
        torch.mul(v, jump[0], out=strength[2]).sub_(jump[across]).mul_(-2)
        torch.sub(u, c[0], out=speed[0])
        torch.add(u, c[0], out=speed[1])
        speed[2] = u
        self._products(strength, speed, v, free, last[0])
        size = self._limit(speed, free)

        # Where a rarefaction passes the speed 0, its whole spread keeps it from being a jump.
        torch.div(flow[self.axis], root[0], out=cells[0])
        root.mul_(self.gravity.sqrt())
        torch.add(cells[0], root[0], out=cells[1])
        cells[0].sub_(root[0])
        spread = self._inner(self._jump(cells, free[2][:2]))
        torch.maximum(size[:2], spread, out=size[:2])

        # Four times what each wave adds to the flux of mass, or of momentum across.
        waves = self._inner(strength).mul_(self._inner(free[0]).sub_(size))
        slow, fast, shear = waves.unbind()
        u, v, c, total = (self._inner(values) for values in (u, v, c[0], jump))
        both = torch.add(slow, fast, out=total[0])
        torch.sub(fast, slow, out=total[along]).mul_(c).add_(u.mul_(both))
        torch.mul(v, both, out=total[across]).add_(shear)

        flux[0] = state[along]
        torch.mul(height[0], height[0], out=flux[along]).mul_(self.gravity / 2)
        flux[along].add_(torch.mul(flow[self.axis], flow[self.axis], out=root[0]))
        torch.mul(flow[0], flow[1], out=flux[across])
        total.mul_(0.5).add_(self._inner(self._sum(flux, free[0])))
        new = self._jump(total, out[..., : n - 4 * self.stride]).mul_(self.ratio / 2)
        return torch.sub(state[..., 2 * self.stride : -2 * self.stride], new, out=new)

    def _products(
        self,
        strength: Float[Tensor, "3 b f"],
        speed: Float[Tensor, "3 b f"],
        across: Float[Tensor, "b f"],
        free: list[Tensor],
        spare: Float[Tensor, "b f"],
    ) -> None:
        """Leave scalar products of each wave with its neighbor and with itself in `free`.

        A gravity wave is its strength times (1, s, v); a shear wave, the last, its strength.

        Args:
            strength: of the waves.
            speed: of the waves.
            across: Roe's mean velocity across the axis, v.
            free: memory for both products and a third of their size.
            spare: memory of one channel.
        """
        product, square = free[0][..., : -self.stride], free[1]
        factor, near = free[2][:2, :, : -self.stride], spare[:, : -self.stride]
        self._product(speed[:2], factor).add_(self._product(across, near).add_(1))
        self._product(strength, product)[:2].mul_(factor)

        factor = torch.mul(speed[:2], speed[:2], out=free[2][:2])
        factor.add_(torch.mul(across, across, out=spare).add_(1))
        torch.mul(strength, strength, out=square)[:2].mul_(factor)

    def _limit(self, speed: Float[Tensor, "3 b f"], free: list[Tensor]) -> Float[Tensor, "3 b m"]:
        """Give |s|, and leave the second order φ(θ) |s| (1 − |s| Δt/Δx) in the first of `free`.

        Args:
            speed: of the waves.
            free: scalar products of neighboring waves, of each with itself, and a third.
        """
        product = free[0]
        speed, limiter, size, theta = (self._inner(values) for values in (speed, *free))
        # Each wave is compared with the one behind it.
        # (`where` is ten times slower than a weight of 0 or 1.)
        forward = torch.sign(speed, out=theta).clamp_(min=0)
        torch.lerp(limiter, product[..., : -2 * self.stride], forward, out=theta)
        theta.div_(size.clamp_(min=SMALLEST))
        # Twice min((1 + θ)/2, 2θ, 2), and not below 0.
        torch.add(theta, 1, out=limiter)
        torch.minimum(limiter, theta.mul_(4), out=limiter).clamp_(0, 4)
        torch.abs(speed, out=size)
        limiter.mul_(torch.mul(size, self.ratio * -0.5, out=theta).add_(0.5).mul_(size))
        return size

    def _sum(self, values: Tensor, out: Tensor) -> Tensor:
        return torch.add(values[..., : -self.stride], values[..., self.stride :], out=out)

    def _jump(self, values: Tensor, out: Tensor) -> Tensor:
        return torch.sub(values[..., self.stride :], values[..., : -self.stride], out=out)

    def _product(self, values: Tensor, out: Tensor) -> Tensor:
        return torch.mul(values[..., : -self.stride], values[..., self.stride :], out=out)

    def _inner(self, values: Tensor) -> Tensor:
        return values[..., self.stride : -self.stride]
