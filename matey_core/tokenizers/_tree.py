"""A tree of cells over the domain: which cells are refined, which are leaves."""

from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


@dataclass(frozen=True)
class Tree:
    """Cells of every level, coarse to fine, and the decision to refine each.

    The roots tile the padded domain. A refined cell is replaced by its children;
    a cell that exists and is not refined is a leaf, so leaves tile the domain
    exactly once, whatever was decided. Cells that hold nothing but padding are no
    leaves, so that a grid costs the same whatever the coarsest patch.
    """

    patches: tuple[tuple[int, ...], ...]
    """Points per axis of a cell, for each level."""
    refined: tuple[Bool[Tensor, "b ..."], ...]
    """For every level but the finest: which cells are split."""
    scores: tuple[Float[Tensor, "b ..."], ...]
    """The criterion's answer for every level but the finest."""
    roots: tuple[int, ...]
    """Cells per axis of the coarsest level."""
    shape: tuple[int, ...]
    """Points per axis of the grid, without padding."""
    samples: int
    device: torch.device

    @property
    def num_levels(self) -> int:
        """Number of cell sizes."""
        return len(self.patches)

    def cells(self, level: int) -> tuple[int, ...]:
        """Cells per axis of a level."""
        coarse, fine = self.patches[0], self.patches[level]
        return tuple(
            n * (big // small) for n, big, small in zip(self.roots, coarse, fine, strict=True)
        )

    @cached_property
    def existing(self) -> tuple[Bool[Tensor, "b ..."], ...]:
        """For every level: cells whose ancestors are all refined."""
        shape = (self.samples, *self.roots)
        levels = [torch.ones(shape, dtype=torch.bool, device=self.device)]
        for level in range(1, self.num_levels):
            split = levels[-1] & self.refined[level - 1]
            levels.append(children(split, self.patches[level - 1], self.patches[level]))
        return tuple(levels)

    @cached_property
    def tiling(self) -> tuple[Bool[Tensor, "b ..."], ...]:
        """For every level: the leaves of the padded domain."""
        inner = [here & ~split for here, split in zip(self.existing, self.refined, strict=False)]
        return (*inner, self.existing[-1])

    @cached_property
    def leaves(self) -> tuple[Bool[Tensor, "b ..."], ...]:
        """For every level: the cells that stand for their part of the domain."""
        return tuple(
            mask & inside(self.shape, patch, mask.shape[1:], self.device)
            for mask, patch in zip(self.tiling, self.patches, strict=True)
        )

    def counts(self) -> Int[Tensor, "b levels"]:
        """(b, levels) leaves of each level."""
        return torch.stack([mask.flatten(1).sum(1) for mask in self.leaves], dim=1)


def children(cells: Tensor, coarse: tuple[int, ...], fine: tuple[int, ...]) -> Tensor:
    """Repeat each cell's value for the cells it splits into.

    Args:
        cells: (b, *cells) values of a level.
        coarse: points per axis of its cells.
        fine: points per axis of the next level's cells.
    """
    for axis, (big, small) in enumerate(zip(coarse, fine, strict=True), start=1):
        cells = cells.repeat_interleave(big // small, dim=axis)
    return cells


def inside(
    shape: tuple[int, ...], patch: tuple[int, ...], cells: tuple[int, ...], device: torch.device
) -> Bool[Tensor, "*cells"]:
    """Tell which cells of a level hold at least one point of the grid.

    Args:
        shape: points per axis of the grid, without padding.
        patch: points per axis of a cell.
        cells: cells per axis of the padded grid.
        device: where the answer goes.
    """
    answer = torch.ones(cells, dtype=torch.bool, device=device)
    for axis, (points, side, count) in enumerate(zip(shape, patch, cells, strict=True)):
        starts = torch.arange(count, device=device) * side < points
        answer &= starts.reshape(-1, *(1,) * (len(cells) - axis - 1))
    return answer
