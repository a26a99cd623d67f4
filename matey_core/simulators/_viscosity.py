"""Viscous stresses of a compressible gas, on flat arrays with ghost cells."""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.simulators._ghost_cells import GhostCells
from matey_core.simulators._super_step import super_step


@dataclass(frozen=True, slots=True)
class _Faces:
    """Faces normal to one axis, between cells `low` and `high` of a flat array."""

    axis: int
    low: slice
    high: slice
    along: Tensor
    """(4/3 η̂ + ζ̂) × time step / cell², of the stress that stretches."""
    across: Tensor
    """The same of ζ̂ − 2/3 η̂."""
    shear: Tensor
    """The same of η̂."""


def diffuse(
    padded: Float[Tensor, "k b *padded"],
    cells: GhostCells,
    eta: Float[Tensor, "b *ones"],
    zeta: Float[Tensor, "b *ones"],
    scale: float | Tensor,
    *,
    stages: int,
    crossed: bool,
) -> None:
    """Let viscosity act on momentum and energy, in place; fill the ghost cells again.

    Second-order differences between cell centers, with η̂ = ηρ and ζ̂ = ζρ at faces:

        (ρv)_t = ∇·τ,   E_t = ∇·(τ·v),   τ = η̂ (∇v + ∇vᵀ − ⅔ ∇·v) + ζ̂ ∇·v

    Density stays. What leaves a cell enters its neighbor.

    Args:
        padded: density, energy and momentum, ghost cells filled.
        cells: their box.
        eta: shear viscosity over density.
        zeta: bulk viscosity over density.
        scale: time step over squared cell size; (b, 1, …, 1) if samples differ.
        stages: of the super step.
        crossed: whether a face feels differences along it: ∂ᵢvₐ in shear, and what stretches
            along other axes. Without them τ is (4/3 η̂ + ζ̂) ∂ₐvₐ across a face, η̂ ∂ₐvᵢ along it.
    """
    density = padded[0]
    volume = density.reciprocal()
    faces = _faces(density, cells, eta * scale, zeta * scale)
    strides = cells.strides if crossed else ()
    start = padded[2:] * volume

    def rate(change: Tensor | None) -> Tensor:
        velocity = start
        if change is not None:
            velocity = (change[1:] * volume).add_(start)
            cells.fill(velocity)
        return _rate(velocity.flatten(1), faces, strides).view_as(padded[1:])

    padded[1:].add_(super_step(rate, stages))
    cells.fill(padded[1:])


def _faces(
    density: Float[Tensor, "b *padded"], cells: GhostCells, eta: Tensor, zeta: Tensor
) -> list[_Faces]:
    """Weights that stay while viscosity acts."""
    margin, count = cells.strides[0], density.numel()
    weights = (4 / 3 * eta + zeta, zeta - 2 / 3 * eta, eta)
    # Half the weight of each cell, so that the sum of two is a face's.
    halves = [(density * (weight / 2)).flatten() for weight in weights]
    faces = []
    for axis, stride in enumerate(cells.strides):
        low = slice(margin, count - margin - stride)
        high = slice(margin + stride, count - margin)
        faces.append(_Faces(axis, low, high, *(half[low] + half[high] for half in halves)))
    return faces


def _rate(
    velocity: Float[Tensor, "d n"], faces: list[_Faces], strides: tuple[int, ...]
) -> Float[Tensor, "k n"]:
    """Change of energy and momentum."""
    rate = velocity.new_zeros(len(velocity) + 1, velocity.shape[1])
    # One memory for all: fresh memory for each pass can cost more than the pass.
    memory = velocity.new_empty(4, velocity.shape[1])
    for face in faces:
        length = face.along.numel()
        stress, work, *spare = memory[:, : length + face.high.start - face.low.start]
        stress, work = stress[:length], work[:length]
        for component, values in enumerate(velocity):
            low, high = values[face.low], values[face.high]
            _stress(velocity, face, component, strides, out=stress, spare=spare)
            torch.add(low, high, out=work).mul_(stress).mul_(0.5)
            for channel, flux in ((1 + component, stress), (0, work)):
                rate[channel, face.low].add_(flux)
                rate[channel, face.high].sub_(flux)
    return rate


def _stress(
    velocity: Float[Tensor, "d n"],
    face: _Faces,
    component: int,
    strides: tuple[int, ...],
    *,
    out: Float[Tensor, " m"],
    spare: list[Tensor],
) -> None:
    """Force on a face along one axis, in units of cell size over time step.

    Without strides, what changes along the face is left out.
    """
    values = velocity[component]
    torch.sub(values[face.high], values[face.low], out=out)
    if component != face.axis:
        if strides:
            # The velocity through the face shears along it, too.
            out.add_(_central(velocity[face.axis], face, strides[component], spare))
        out.mul_(face.shear)
        return
    out.mul_(face.along)
    for other, stride in enumerate(strides):
        if other != face.axis:
            out.addcmul_(_central(velocity[other], face, stride, spare), face.across)


def _central(
    values: Float[Tensor, " n"], face: _Faces, stride: int, spare: list[Tensor]
) -> Float[Tensor, " m"]:
    """Difference along another axis at faces: the mean of both cells' central ones."""
    first, last = face.low.start, face.high.stop
    step = face.high.start - first
    ahead, behind = values[first + stride : last + stride], values[first - stride : last - stride]
    difference = torch.sub(ahead, behind, out=spare[0])
    return torch.add(difference[:-step], difference[step:], out=spare[1][:-step]).mul_(0.25)
