"""One-dimensional wave propagation for the shallow-water equations, along any axis.

Roe's solver, the monotonized-central limiter and the correction of second order
(R. J. LeVeque, Finite Volume Methods for Hyperbolic Problems, 2002, sections 6.12 and 15.3),
written as fluxes, so that what leaves a cell enters its neighbor.

All arithmetic is in place: fresh memory for each of a hundred passes would cost more than
the passes themselves.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

GHOSTS = 2
"""Cells beyond each end that a sweep needs."""
BUFFERS = 16
"""Tensors that a sweep works in."""
SMALLEST = 1e-30
"""Stands for the squared size of a wave that is not there; float32 holds it."""

Flat = Float[Tensor, "b _n"]
"""Values of whole grids, row behind row."""
State = Sequence[Flat]
"""Height, momentum along the axis of a sweep, momentum across it."""


class Sweep:
    """One step of the equations along one axis."""

    def __init__(
        self,
        *,
        ratio: float | Float[Tensor, "b 1"],
        gravity: Float[Tensor, "b 1"],
        stride: int,
        work: Sequence[Flat],
    ) -> None:
        """Prepare for grids of one shape.

        Args:
            ratio: time step over size of a cell.
            gravity: gravitational acceleration.
            stride: distance of neighbors along the axis.
            work: `BUFFERS` tensors of at least the size of a channel; what they hold is lost.
        """
        self.ratio = ratio
        self.gravity = gravity
        self.stride = stride
        self.work = work

    def __call__(self, state: State, out: State) -> State:
        """Advance a state.

        Args:
            state: (b, n) each; left as it is.
            out: three tensors, (b, n) or longer, for the result.

        Returns:
            the new state, (b, n − 4 stride) each: what lacks neighbors at an end is left out.
        """
        height, along, across = state
        stride, n = self.stride, height.shape[1]
        root, flow_along, flow_across, cells = (buffer[:, :n] for buffer in self.work[:4])
        u, v, c, slow, fast, shear, speed, near, same, *free = (
            buffer[:, : n - stride] for buffer in self.work[4:]
        )
        torch.sqrt(height, out=root)
        torch.div(along, root, out=flow_along)
        torch.div(across, root, out=flow_across)

        # Roe's means at the faces.
        weight = self._sum(root, free[0]).reciprocal_()
        self._sum(flow_along, u).mul_(weight)
        self._sum(flow_across, v).mul_(weight)
        self._sum(height, c).mul_(self.gravity / 2).sqrt_()

        # Twice the strengths of the two gravity waves, and of the shear wave between them.
        jump = self._jump(height, free[0])
        excess = self._jump(along, free[1]).sub_(torch.mul(u, jump, out=free[2])).div_(c)
        torch.sub(jump, excess, out=slow)
        torch.add(jump, excess, out=fast)
        self._jump(across, shear).sub_(jump.mul_(v)).mul_(2)

        # Then four times what they add to the fluxes: of mass, and of momentum across.
        near = self._product(v, near[:, :-stride]).add_(1)
        torch.mul(v, v, out=same).add_(1)
        torch.div(flow_along, root, out=cells).sub_(root.mul_(self.gravity.sqrt()))
        self._gravity_wave(slow, torch.sub(u, c, out=speed), (near, same), cells, free)
        cells.add_(root, alpha=2)
        self._gravity_wave(fast, torch.add(u, c, out=speed), (near, same), cells, free)
        self._shear_wave(shear, u, free)

        # What all waves add to the fluxes of mass and of momentum along and across.
        u, v, c, slow, fast, shear, both, waves = (
            self._inner(values) for values in (u, v, c, slow, fast, shear, speed, same)
        )
        torch.add(slow, fast, out=both)
        torch.sub(fast, slow, out=waves).mul_(c).add_(u.mul_(both))
        shear.add_(v.mul_(both))

        torch.mul(height, height, out=root).mul_(self.gravity / 2)
        root.add_(torch.mul(flow_along, flow_along, out=cells))
        flow_across.mul_(flow_along)
        return (
            self._update(height, along, both, free, out[0]),
            self._update(along, root, waves, free, out[1]),
            self._update(across, flow_across, shear, free, out[2]),
        )

    def _gravity_wave(
        self,
        strength: Flat,
        speed: Flat,
        across: tuple[Flat, Flat],
        cells: Flat,
        free: Sequence[Flat],
    ) -> None:
        """Turn a wave's strength into what it adds to the flux of mass.

        Args:
            strength: of the wave at each face; overwritten.
            speed: of the wave.
            across: 1 + v v′ of neighboring faces, and 1 + v².
            cells: the wave's characteristic speed in the cells.
            free: three buffers.
        """
        near, same = across
        product, square, other = free
        # A wave is its strength times (1, s, v).
        product, other = product[:, : -self.stride], other[:, : -self.stride]
        torch.mul(speed[:, : -self.stride], speed[:, self.stride :], out=product).add_(near)
        product.mul_(self._product(strength, other))
        torch.mul(speed, speed, out=square).add_(same).mul_(strength).mul_(strength)
        size = self._limit(strength, speed, free)
        # Where a rarefaction passes the speed 0, its whole spread keeps it from being a jump.
        spread = self._inner(self._jump(cells, free[2]))
        self._finish(strength, torch.maximum(size, spread, out=size), free)

    def _shear_wave(self, strength: Flat, speed: Flat, free: Sequence[Flat]) -> None:
        """Turn the shear wave's strength into what it adds to the flux across."""
        self._product(strength, free[0][:, : -self.stride])
        torch.mul(strength, strength, out=free[1])
        self._finish(strength, self._limit(strength, speed, free), free)

    def _limit(self, strength: Flat, speed: Flat, free: Sequence[Flat]) -> Flat:
        """Give |s|, and leave the second order's φ(θ) |s| (1 − |s| Δt/Δx) in `free[0]`.

        Args:
            strength: of the wave.
            speed: of the wave.
            free: scalar products of neighboring waves, of each with itself, and a buffer.
        """
        product, square, other = free
        speed, size = self._inner(speed), self._inner(square)
        theta, limiter = self._inner(other), self._inner(product)
        # Each wave is compared with the one behind it.
        before, after = product[:, : -2 * self.stride], limiter
        torch.where(speed > 0, before, after, out=theta).div_(size.clamp_(min=SMALLEST))
        torch.add(theta, 1, out=limiter).mul_(0.5)
        torch.minimum(limiter, theta.mul_(2), out=limiter).clamp_(0, 2)
        torch.abs(speed, out=size)
        limiter.mul_(torch.mul(size, -self.ratio, out=theta).add_(1).mul_(size))
        return size

    def _finish(self, strength: Flat, viscosity: Flat, free: Sequence[Flat]) -> None:
        """Multiply the strength by second order minus viscosity."""
        self._inner(strength).mul_(self._inner(free[0]).sub_(viscosity))

    def _update(
        self, values: Flat, flux: Flat, waves: Flat, free: Sequence[Flat], out: Flat
    ) -> Flat:
        """Take what flows out of each cell from it.

        Args:
            values: of the cells.
            flux: in the cells.
            waves: four times what waves add to the mean of the fluxes on both sides.
            free: a buffer.
            out: for the result.
        """
        faces = self._inner(self._sum(flux, free[0])).add_(waves.mul_(0.5))
        new = out[:, : values.shape[1] - 4 * self.stride]
        self._jump(faces, new).mul_(self.ratio / 2)
        return torch.sub(values[:, 2 * self.stride : -2 * self.stride], new, out=new)

    def _sum(self, values: Flat, out: Flat) -> Flat:
        return torch.add(values[:, : -self.stride], values[:, self.stride :], out=out)

    def _jump(self, values: Flat, out: Flat) -> Flat:
        return torch.sub(values[:, self.stride :], values[:, : -self.stride], out=out)

    def _product(self, values: Flat, out: Flat) -> Flat:
        return torch.mul(values[:, : -self.stride], values[:, self.stride :], out=out)

    def _inner(self, values: Flat) -> Flat:
        return values[:, self.stride : -self.stride]
