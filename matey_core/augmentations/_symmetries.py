"""The ways in which a grid can be laid onto itself, and what they do to vectors and tensors.

A symmetry Q sends a point x to Qx, with Q a signed permutation of the axes. Fields follow:
a scalar becomes f(x) at Qx, a vector Σ Qᵢⱼ vⱼ, a tensor Σ Qᵢₖ Qⱼₗ Tₖₗ; what is called pseudo is
multiplied by det Q besides.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, permutations, product

import torch
from jaxtyping import Shaped
from torch import Tensor

from matey_core.augmentations._established import is_established
from matey_core.fields import Field, FieldSpec, Grid

SPACING_TOLERANCE = 1e-4
"""Relative difference up to which two spacings are equal: coordinates are often float32."""
CARTESIAN = frozenset("xyz")


@dataclass(frozen=True, slots=True, kw_only=True)
class Symmetry:
    """A signed permutation of a grid's axes that its fields can follow."""

    source: tuple[int, ...]
    """Which old axis lies along each axis afterwards."""
    direction: tuple[int, ...]
    """1, or −1 where the old axis runs backwards."""
    channels: tuple[int, ...]
    """Which old field each field is made of."""
    signs: tuple[int, ...]
    """What the old field is multiplied by."""

    @property
    def is_mirror(self) -> bool:
        """Whether every axis stays in its place, if perhaps backwards."""
        return self.source == tuple(range(len(self.source)))

    @property
    def is_rotation(self) -> bool:
        """Whether det Q = 1."""
        return _determinant(self.source, self.direction) == 1

    def __call__(self, frames: Shaped[Tensor, "k c *space"]) -> Shaped[Tensor, "k c *space"]:
        """Lay frames onto the grid anew; a mask moves along and has no sign."""
        moved = frames.permute(0, 1, *(2 + axis for axis in self.source))
        backwards = [2 + axis for axis, way in enumerate(self.direction) if way < 0]
        moved = moved.flip(backwards) if backwards else moved
        if self.channels != tuple(range(len(self.channels))):
            moved = moved[:, list(self.channels)]
        if frames.dtype == torch.bool or min(self.signs) == 1:
            return moved
        return moved * moved.new_tensor(self.signs).view(-1, *[1] * len(self.source))


@lru_cache(maxsize=64)
def symmetries(spec: FieldSpec) -> tuple[Symmetry, ...]:
    """List all symmetries that a store allows, the identity among them; they form a group.

    An axis takes the place of another only if extent, spacing and boundary agree. A directed
    axis stays as it is, and so do all where the store does not say enough. Where a vector lacks
    the component that a symmetry would turn into one that it has, the symmetry is left out.
    """
    axes = range(spec.grid.num_axes)
    is_known = is_established(spec)
    candidates = product(permutations(axes), product((1, -1), repeat=len(axes)))
    still = ((*axes,), (1,) * len(axes))
    found = (_symmetry(spec, *each) for each in candidates if is_known or each == still)
    return tuple(symmetry for symmetry in found if symmetry is not None)


def _symmetry(
    spec: FieldSpec, source: tuple[int, ...], direction: tuple[int, ...]
) -> Symmetry | None:
    """Find out what the fields do; None if the store does not allow it."""
    grid = spec.grid
    for axis, (other, way) in enumerate(zip(source, direction, strict=True)):
        is_held = grid.axes[axis] in grid.directed or not _is_understood(spec)
        if not _alike(grid, axis, other) or (is_held and (axis, 1) != (other, way)):
            return None
    old = {name: grid.axes[other] for name, other in zip(grid.axes, source, strict=True)}
    ways = dict(zip(grid.axes, direction, strict=True))
    channels, signs = [], []
    for field in spec.fields:
        channel = _channel(spec, field, tuple(old.get(name, name) for name in field.component))
        if channel is None:
            return None
        channels.append(channel)
        sign = math.prod(ways.get(name, 1) for name in field.component)
        signs.append(sign * (_determinant(source, direction) if field.is_pseudo else 1))
    return Symmetry(
        source=source, direction=direction, channels=tuple(channels), signs=tuple(signs)
    )


def _channel(spec: FieldSpec, field: Field, component: tuple[str, ...]) -> int | None:
    """Find another component of the field's vector or tensor; None unless there is one such."""
    if component == field.component:
        return spec.fields.index(field)
    for wanted in (component, component[::-1]):  # xy for yx: then the tensor is symmetric
        found = [
            channel
            for channel, other in enumerate(spec.fields)
            if (other.quantity, other.component) == (field.quantity, wanted)
        ]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _is_understood(spec: FieldSpec) -> bool:
    """Whether components can be resolved along or across the axes: not on `lat` and `lon`."""
    named = {name for field in spec.fields for name in field.component}
    return CARTESIAN.issuperset(spec.grid.axes) or named.issubset(spec.grid.axes)


def _alike(grid: Grid, axis: int, other: int) -> bool:
    """Whether one axis can take the place of another."""
    return (
        grid.shape[axis] == grid.shape[other]
        and grid.boundary[axis] == grid.boundary[other]
        and math.isclose(grid.spacing[axis], grid.spacing[other], rel_tol=SPACING_TOLERANCE)
    )


def _determinant(source: tuple[int, ...], direction: tuple[int, ...]) -> int:
    swaps = sum(a > b for a, b in combinations(source, 2))
    return math.prod(direction) * (-1) ** swaps
