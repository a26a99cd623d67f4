"""Where the tokens of a pass lie: packed order, places, and the way back to the grid."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from jaxtyping import Float, Int
from torch import Tensor

from matey_core.nn.shift import Shift
from matey_core.tokenizers._base import Cells, Pass
from matey_core.tokens import Places, Segments, Shard, remember, whole_numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Tokens of one level that are cut out, embedded and decoded together."""

    level: int
    index: tuple[Int[Tensor, " n"], ...]
    """Sample and cell coordinates of each, in raster order."""
    lengths: tuple[int, ...]
    """How many there are of each sample, whichever process has them."""
    is_leaf: bool
    are_all: bool
    """Whether these are all cells of the level, of every sample."""

    def __len__(self) -> int:
        return len(self.index[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """The packed order of one pass."""

    groups: tuple[Group, ...]
    order: Int[Tensor, " n"] | None
    """Packed order of the tokens listed group by group; None where that is the order."""
    places: Places
    segments: Segments
    grid: tuple[int, ...] | None
    """Cells per axis where every sequence is a whole regular grid in raster order."""
    shard: Shard | None = None
    """Where other processes have the rest of the cells; `segments` and `grid` are then those
    of all cells, the others those of this process' own."""

    def pack(self, groups: list[Tensor]) -> Tensor:
        """Bring (n, …) rows of each group, in raster order, into packed order."""
        rows = torch.cat(groups) if len(groups) > 1 else groups[0]
        return rows if self.order is None else rows[self.order]

    def unpack(self, rows: Tensor) -> list[Tensor]:
        """Undo `pack`: (n, …) rows to one tensor a group."""
        if self.order is not None:
            rows = torch.empty_like(rows).index_copy(0, self.order, rows)
        return list(rows.split([len(group) for group in self.groups]))


def lay_out(
    cells: Pass,
    patches: tuple[tuple[int, ...], ...],
    shape: tuple[int, ...],
    shift: Shift | None = None,
) -> Layout:
    """Plan the packed order of a pass.

    Sequences of several sizes follow a Z-shaped curve that fills the domain (G. M. Morton, 1966),
    so that neighbors in a sequence are near each other. Where it is known how many tokens
    there are, nothing waits for the device.

    Args:
        cells: which cells become tokens.
        patches: points per axis of the cells of every level.
        shape: points per axis of the grid, before padding.
        shift: how far the cells begin before the first point.
    """
    first, *finer = cells.cells
    if first.are_all and not finer and shift is None:
        key = (first.level, first.is_leaf, tuple(first.mask.shape), patches, shape)
        return _whole_grid(key, first.mask.device)
    return _laid_out(cells, patches, shape, shift)


@remember
def _whole_grid(
    key: tuple[int, bool, tuple[int, ...], tuple[tuple[int, ...], ...], tuple[int, ...]],
    device: torch.device,
) -> Layout:
    """Lay out all cells of one level, which shapes alone decide."""
    level, is_leaf, (samples, *sides), patches, shape = key
    mask = torch.ones((samples, *sides), dtype=torch.bool, device=device)
    cells = Cells(level=level, mask=mask, count=math.prod(sides), is_leaf=is_leaf)
    return _laid_out(Pass(cells=(cells,)), patches, shape, None)


def _laid_out(
    cells: Pass,
    patches: tuple[tuple[int, ...], ...],
    shape: tuple[int, ...],
    shift: Shift | None,
) -> Layout:
    lengths = _lengths(cells)
    groups = tuple(map(_group, cells.cells, lengths))
    order, segments, grid = None, _segments(lengths), None
    places = _places(groups, patches, shape, shift, per_sample=segments.equal)
    if cells.local:
        (group,) = groups
        grid = tuple(
            big // small
            for big, small in zip(patches[group.level - 1], patches[group.level], strict=True)
        )
        order = _parents(group, grid, cells.cells[0].mask.shape).argsort(stable=True)
        segments = Segments.same(len(group) // math.prod(grid), math.prod(grid))
    elif len(groups) == 1 and groups[0].are_all:
        grid = tuple(cells.cells[0].mask.shape[1:])
    else:
        bits = _axis_bits(cells.cells[0], patches)
        curve = torch.cat([_curve(group, patches, bits) for group in groups])
        order = curve.argsort(stable=True)
    if order is not None:
        places = Places(
            centre=places.centre[order],
            size=places.size[order],
            level=places.level[order],
            sample=places.sample[order],
            per_sample=places.per_sample,
        )
    return Layout(groups=groups, order=order, places=places, segments=segments, grid=grid)


def gather(
    fields: Float[Tensor, "b t c *space"], patch: tuple[int, ...], group: Group
) -> Float[Tensor, "n t c *patch"]:
    """Cut out the cells of a group.

    Args:
        fields: (b, t, c, *space), every axis a multiple of the patch.
        patch: points per axis of a cell.
        group: names the cells.
    """
    b, t, c, *space = fields.shape
    split = [n for size, p in zip(space, patch, strict=True) for n in (size // p, p)]
    view = fields.reshape(b, t, c, *split)
    cells, points = range(3, view.ndim, 2), range(4, view.ndim, 2)
    view = view.permute(0, *cells, 1, 2, *points)
    return view.flatten(0, len(patch)) if group.are_all else view[group.index]


def scatter(
    values: Float[Tensor, "n c *patch"],
    patch: tuple[int, ...],
    group: Group,
    shape: tuple[int, ...],
) -> Float[Tensor, "b c *space"]:
    """Put cells back on their grid, zero elsewhere: undo `gather`.

    Args:
        values: (n, c, *patch) cells.
        patch: points per axis of a cell.
        group: names the cells.
        shape: (b, *space) of the result.
    """
    b, *space = shape
    counts = [size // p for size, p in zip(space, patch, strict=True)]
    if group.are_all:
        canvas = values.unflatten(0, (b, *counts))
    else:
        canvas = values.new_zeros(b, *counts, *values.shape[1:]).index_put(group.index, values)
    axes = range(1, 1 + len(patch))
    interleaved = [a for axis in axes for a in (axis, axis + 1 + len(patch))]
    return canvas.permute(0, 1 + len(patch), *interleaved).reshape(b, values.shape[1], *space)


def _lengths(cells: Pass) -> list[tuple[int, ...]]:
    """Of every level: cells of each sample. All that nobody knows is read at once."""
    samples = len(cells.cells[0].mask)
    unknown = [each.mask.flatten(1).sum(1) for each in cells.cells if each.count is None]
    counted = iter(torch.stack(unknown).tolist() if unknown else ())
    return [
        tuple(next(counted)) if each.count is None else (each.count,) * samples
        for each in cells.cells
    ]


def _group(cells: Cells, lengths: tuple[int, ...]) -> Group:
    mask, count = cells.mask, cells.count
    index: tuple[Tensor, ...]
    if count is None:
        index = mask.nonzero_static(size=sum(lengths)).unbind(1)
    else:
        samples, *sides = mask.shape
        flat = torch.arange(math.prod(sides), device=mask.device).expand(samples, -1)
        if not cells.are_all:
            flat = mask.flatten(1).byte().argsort(dim=1, descending=True, stable=True)[:, :count]
        sample = torch.arange(samples, device=mask.device).repeat_interleave(count)
        index = (sample, *_coordinates(flat.flatten(), sides))
    return Group(
        level=cells.level,
        index=index,
        lengths=lengths,
        is_leaf=cells.is_leaf,
        are_all=cells.are_all,
    )


def _coordinates(flat: Int[Tensor, " n"], sides: Sequence[int]) -> list[Int[Tensor, " n"]]:
    """What `torch.unravel_index` gives, which copies the sides to the device and waits."""
    coordinates = []
    for side in reversed(sides):
        coordinates.append(flat % side)
        flat = flat // side
    return coordinates[::-1]


def _segments(lengths: list[tuple[int, ...]]) -> Segments:
    return Segments(tuple(map(sum, zip(*lengths, strict=True))))


def _parents(group: Group, block: tuple[int, ...], shape: torch.Size) -> Int[Tensor, " n"]:
    """Number of the cell, counted over the batch, that each token is a piece of."""
    number, *cells = group.index
    for count, cell, pieces in zip(shape[1:], cells, block, strict=True):
        number = number * (count // pieces) + cell // pieces
    return number


def _axis_bits(cells: Cells, patches: tuple[tuple[int, ...], ...]) -> int:
    """Bits of a finest cell's coordinate along the axis that has most of them."""
    sides = zip(cells.mask.shape[1:], patches[cells.level], patches[-1], strict=True)
    return max((count * (side // finest) - 1).bit_length() for count, side, finest in sides)


def _curve(group: Group, patches: tuple[tuple[int, ...], ...], bits: int) -> Int[Tensor, " n"]:
    """Position along the curve through all samples: bits of the coordinates, interleaved."""
    sample, *cells = group.index
    axes = len(cells)
    position = sample << (bits * axes)
    spread = _spread(axes, bits, position.device)
    for axis, cell in enumerate(cells):
        finest = patches[group.level][axis] // patches[-1][axis]
        position = position + (spread[cell * finest] << (axes - 1 - axis))
    return position


@lru_cache
def _spread(axes: int, bits: int, device: torch.device) -> Int[Tensor, " n"]:
    """Every coordinate of so many bits, with `axes` − 1 zeros after each of them."""
    numbers = torch.arange(2**bits, device=device)
    spread = torch.zeros_like(numbers)
    for bit in range(bits):
        spread |= ((numbers >> bit) & 1) << (bit * axes)
    return spread


def _places(
    groups: tuple[Group, ...],
    patches: tuple[tuple[int, ...], ...],
    shape: tuple[int, ...],
    shift: Shift | None,
    *,
    per_sample: int | None,
) -> Places:
    centres, sizes, levels = [], [], []
    for group in groups:
        sample, *cells = group.index
        device = sample.device
        side = whole_numbers(patches[group.level], device) / whole_numbers(shape, device)
        centre = (torch.stack(cells, dim=1) + 0.5) * side
        centres.append(_in_domain(centre, shape, shift) if shift else centre)
        sizes.append(side.expand(len(sample), -1))
        levels.append(torch.full_like(sample, group.level))
    return Places(
        centre=torch.cat(centres),
        size=torch.cat(sizes),
        level=torch.cat(levels),
        sample=torch.cat([group.index[0] for group in groups]),
        per_sample=per_sample,
    )


def _in_domain(
    centre: Float[Tensor, "n a"], shape: tuple[int, ...], shift: Shift
) -> Float[Tensor, "n a"]:
    """Where centers of shifted cells lie in the domain, into which periodic axes wrap."""
    centre = centre - shift.points / whole_numbers(shape, centre.device)
    axes = zip(centre.unbind(1), shift.periodic, strict=True)
    return torch.stack([axis % 1 if wraps else axis for axis, wraps in axes], dim=1)
