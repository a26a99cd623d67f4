"""Where the tokens of a pass lie: packed order, places, and the way back to the grid."""

import math
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from matey_core.tokenizers._base import Pass
from matey_core.tokens import Places, Segments


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The packed order of one pass."""

    index: tuple[tuple[Tensor, ...], ...]
    """For every level: sample and cell coordinates of its tokens, in raster order."""
    order: Int[Tensor, " n"] | None
    """Packed order of the tokens listed level by level; None where that is the order."""
    places: Places
    segments: Segments
    grid: tuple[int, ...] | None
    """Cells per axis where every sequence is a whole regular grid in raster order."""

    def pack(self, levels: list[Tensor]) -> Tensor:
        """Bring the rows of all levels, each in raster order, into packed order."""
        rows = torch.cat(levels) if len(levels) > 1 else levels[0]
        return rows if self.order is None else rows[self.order]

    def unpack(self, rows: Tensor) -> list[Tensor]:
        """Undo `pack`: (n, …) rows to one tensor a level."""
        sizes = [len(index[0]) for index in self.index]
        if self.order is not None:
            rows = torch.empty_like(rows).index_copy(0, self.order, rows)
        return list(rows.split(sizes))


def lay_out(cells: Pass, patches: tuple[tuple[int, ...], ...], shape: tuple[int, ...]) -> Layout:
    """Plan the packed order of a pass.

    Args:
        cells: which cells become tokens.
        patches: points per axis of the cells of every level.
        shape: points per axis of the grid, before padding.
    """
    index = tuple(mask.nonzero(as_tuple=True) for mask in cells.masks)
    sample = torch.cat([place[0] for place in index])
    group, groups, grid = sample, len(cells.masks[0]), None
    if cells.local:
        group, groups = _roots(index, patches, cells.masks[0].shape)
        grid = _block(patches)
    elif all(mask.all() for mask in cells.masks if mask.any()) and _num_used(cells) == 1:
        grid = tuple(next(mask for mask in cells.masks if mask.any()).shape[1:])
    lengths = torch.bincount(group, minlength=groups)
    lengths = lengths[lengths > 0] if cells.local else lengths
    order = None if _num_used(cells) == 1 and not cells.local else group.argsort(stable=True)
    places = _places(index, patches, shape)
    if order is not None:
        places = Places(
            centre=places.centre[order],
            size=places.size[order],
            level=places.level[order],
            sample=places.sample[order],
        )
    segments = Segments(tuple(lengths.tolist()))
    return Layout(index=index, order=order, places=places, segments=segments, grid=grid)


def gather(
    fields: Float[Tensor, "b t c *space"], patch: tuple[int, ...], index: tuple[Tensor, ...]
) -> Float[Tensor, "n t c *patch"]:
    """Cut out the cells that an index names.

    Args:
        fields: (b, t, c, *space), every axis a multiple of the patch.
        patch: points per axis of a cell.
        index: sample and cell coordinates of each cell.
    """
    b, t, c, *space = fields.shape
    split = [n for size, p in zip(space, patch, strict=True) for n in (size // p, p)]
    view = fields.reshape(b, t, c, *split)
    cells, points = range(3, view.ndim, 2), range(4, view.ndim, 2)
    return view.permute(0, *cells, 1, 2, *points)[index]


def scatter(
    values: Float[Tensor, "n c *patch"],
    patch: tuple[int, ...],
    index: tuple[Tensor, ...],
    shape: tuple[int, ...],
) -> Float[Tensor, "b c *space"]:
    """Put cells back on their grid, zero elsewhere: undo `gather`.

    Args:
        values: (n, c, *patch) cells.
        patch: points per axis of a cell.
        index: sample and cell coordinates of each cell.
        shape: (b, *space) of the result.
    """
    b, *space = shape
    counts = [size // p for size, p in zip(space, patch, strict=True)]
    canvas = values.new_zeros(b, *counts, *values.shape[1:]).index_put(index, values)
    axes = range(1, 1 + len(patch))
    interleaved = [a for axis in axes for a in (axis, axis + 1 + len(patch))]
    return canvas.permute(0, 1 + len(patch), *interleaved).reshape(b, values.shape[1], *space)


def _num_used(cells: Pass) -> int:
    return sum(bool(mask.any()) for mask in cells.masks)


def _block(patches: tuple[tuple[int, ...], ...]) -> tuple[int, ...] | None:
    """Fine cells per axis inside a coarse one, if there are just two levels."""
    if len(patches) != 2:
        return None
    return tuple(big // small for big, small in zip(*patches, strict=True))


def _roots(
    index: tuple[tuple[Tensor, ...], ...], patches: tuple[tuple[int, ...], ...], shape: torch.Size
) -> tuple[Int[Tensor, " n"], int]:
    """Number of the coarse cell, counted over the batch, that each token lies in."""
    numbers = []
    for (sample, *cells), patch in zip(index, patches, strict=True):
        number = sample
        for count, cell, big, small in zip(shape[1:], cells, patches[0], patch, strict=True):
            number = number * count + cell // (big // small)
        numbers.append(number)
    return torch.cat(numbers), math.prod(shape)


def _places(
    index: tuple[tuple[Tensor, ...], ...],
    patches: tuple[tuple[int, ...], ...],
    shape: tuple[int, ...],
) -> Places:
    centres, sizes, levels = [], [], []
    for level, ((sample, *cells), patch) in enumerate(zip(index, patches, strict=True)):
        side = torch.tensor(patch, device=sample.device) / torch.tensor(shape, device=sample.device)
        centres.append((torch.stack(cells, dim=1) + 0.5) * side)
        sizes.append(side.expand(len(sample), -1))
        levels.append(torch.full_like(sample, level))
    return Places(
        centre=torch.cat(centres),
        size=torch.cat(sizes),
        level=torch.cat(levels),
        sample=torch.cat([place[0] for place in index]),
    )
