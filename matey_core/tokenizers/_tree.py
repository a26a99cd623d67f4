"""A tree of cells over the domain: which cells are refined, which are leaves."""

import math
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from matey_core.budgets import Quota
from matey_core.nn.shift import Shift


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
    kept: tuple[Bool[Tensor, "b ..."], ...] = ()
    """For every level but the finest: split cells that stay tokens. Without any, none do."""
    shift: Shift | None = None
    """How far the roots begin before the first point of the grid."""
    quota: Quota | None = None
    """How many cells of each level every sample splits, and keeps, where that is known."""

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
            mask & inside(self.shape, patch, mask.shape[1:], self.device, self.shift)
            for mask, patch in zip(self.tiling, self.patches, strict=True)
        )

    @property
    def num_splits(self) -> tuple[int | None, ...]:
        """For every level but the finest: cells split in every sample, where that is known."""
        return self.quota.splits if self.quota else (None,) * (self.num_levels - 1)

    @property
    def has_known_counts(self) -> bool:
        """Whether all numbers of cells are known beforehand, the same for every sample."""
        return self.quota is not None or self.num_levels == 1

    @property
    def num_leaves(self) -> tuple[int | None, ...]:
        """For every level: leaves of every sample, where that is known without a look."""
        if self.has_empty_cells or (self.quota is None and self.num_levels > 1):
            return (None,) * self.num_levels
        counts, cells = [], math.prod(self.roots)
        for level, count in enumerate(self.quota.splits if self.quota else ()):
            counts.append(cells - count)
            cells = count * self.pieces(level)
        return (*counts, cells)

    @property
    def has_empty_cells(self) -> bool:
        """Whether some cells hold nothing but padding."""
        return has_empty_cells(self.shape, self.patches, self.roots)

    def pieces(self, level: int) -> int:
        """Cells that one of this level is split into."""
        coarse, fine = self.patches[level], self.patches[level + 1]
        return math.prod(big // small for big, small in zip(coarse, fine, strict=True))

    def counts(self) -> Int[Tensor, "b levels"]:
        """(b, levels) leaves of each level."""
        return torch.stack([mask.flatten(1).sum(1) for mask in self.leaves], dim=1)


def has_empty_cells(
    shape: tuple[int, ...], patches: tuple[tuple[int, ...], ...], roots: tuple[int, ...]
) -> bool:
    """Whether padding to the coarsest patch makes finer cells without a point of the grid.

    Args:
        shape: points per axis of the grid, without padding.
        patches: points per axis of the cells of all levels.
        roots: cells per axis of the coarsest level.
    """
    return any(
        count * coarse - points >= fine
        for patch in patches[1:]
        for points, count, coarse, fine in zip(shape, roots, patches[0], patch, strict=True)
    )


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
    shape: tuple[int, ...],
    patch: tuple[int, ...],
    cells: tuple[int, ...],
    device: torch.device,
    shift: Shift | None = None,
) -> Bool[Tensor, "*cells"]:
    """Tell which cells of a level hold at least one point of the grid.

    Args:
        shape: points per axis of the grid, without padding.
        patch: points per axis of a cell.
        cells: cells per axis of the padded grid.
        device: where the answer goes.
        shift: how far the cells begin before the first point.
    """
    answer = torch.ones(cells, dtype=torch.bool, device=device)
    for axis, (points, side, count) in enumerate(zip(shape, patch, cells, strict=True)):
        starts = torch.arange(count, device=device) * side
        if shift:
            starts = starts - shift.before(axis)
        hold = (starts < points) & (starts > -side)
        answer &= hold.reshape(-1, *(1,) * (len(cells) - axis - 1))
    return answer
