"""Cells with ghost cells around them, as flat arrays: a neighbor is a fixed distance away.

Channels come first, (k, b, *padded), and `flatten(1)` views them as (k, n). Whatever is computed
from neighbors is then one pass over contiguous memory, in one, two or three dimensions. What it
gives between the end of one line and the beginning of the next belongs to ghost cells: nobody reads
it, but it must be finite.
"""

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

GHOSTS = 2
"""Layers on each side: a limited slope in the next cell needs the one after it."""


@dataclass(frozen=True, slots=True)
class GhostCells:
    """A box of cells and what lies around it."""

    shape: tuple[int, ...]
    """Cells per axis, without ghosts."""
    periodic: bool
    """Whether the box wraps around; otherwise its outermost cells continue outwards."""

    @property
    def strides(self) -> tuple[int, ...]:
        """Distance of neighbors in a flat array, per axis."""
        strides = [1]
        for size in self.shape[:0:-1]:
            strides.append(strides[-1] * (size + 2 * GHOSTS))
        return tuple(reversed(strides))

    def enter(self, states: Float[Tensor, "b k *space"]) -> Float[Tensor, "k b *padded"]:
        """Copy states into a new array with ghost cells."""
        sizes = (size + 2 * GHOSTS for size in self.shape)
        padded = states.new_empty(states.shape[1], states.shape[0], *sizes)
        self.inside(padded).copy_(states.transpose(0, 1))
        self.fill(padded)
        return padded

    def leave(self, padded: Float[Tensor, "k b *padded"]) -> Float[Tensor, "b k *space"]:
        """Copy the cells of the box into an array of their own."""
        return self.inside(padded).transpose(0, 1).contiguous()

    def inside(self, padded: Float[Tensor, "k b *padded"]) -> Float[Tensor, "k b *space"]:
        """View the cells of the box."""
        for axis, size in enumerate(self.shape, start=2):
            padded = padded.narrow(axis, GHOSTS, size)
        return padded

    def fill(self, padded: Float[Tensor, "k b *padded"]) -> None:
        """Set ghost cells from the cells of the box, in corners too."""
        for axis, size in enumerate(self.shape, start=2):
            low, high = padded.narrow(axis, 0, GHOSTS), padded.narrow(axis, size + GHOSTS, GHOSTS)
            if self.periodic:
                low.copy_(padded.narrow(axis, size, GHOSTS))
                high.copy_(padded.narrow(axis, GHOSTS, GHOSTS))
            else:
                low.copy_(padded.narrow(axis, GHOSTS, 1).expand_as(low))
                high.copy_(padded.narrow(axis, size + GHOSTS - 1, 1).expand_as(high))
