"""Fields continued beyond their grid, so that whole patches cover it."""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.errors import ShapeError
from matey_core.nn.shift import Shift


def pad(
    fields: Float[Tensor, "b l c *space"],
    patch: tuple[int, ...],
    *,
    periodic: tuple[bool, ...],
    shift: Shift | None = None,
) -> Float[Tensor, "b l c *padded"]:
    """Continue every axis to a multiple of the patch.

    Periodic axes wrap around; the others repeat their last point and, where they are
    shifted, their first.

    Args:
        fields: (b, l, c, *space).
        patch: points per axis of the coarsest cell.
        periodic: whether each space axis wraps around.
        shift: how far patches begin before the first point.

    Raises:
        ShapeError: an axis is shorter than the patch.
        ValueError: the shift was planned for another patch.
    """
    if shift and any(side != shift.side for side in patch):
        raise ValueError(f"the shift is for cells of {shift.side} points a side, not {patch}")
    for number, (side, wraps) in enumerate(zip(patch, periodic, strict=True)):
        axis = number + 3
        size = fields.shape[axis]
        if size < side:
            grid = "×".join(map(str, fields.shape[3:]))
            raise ShapeError(
                f"A patch of {side} points does not fit a grid of {grid} points.",
                remedy=f"Choose patches of at most {min(fields.shape[3:])} points "
                "(model.tokenizer.patch, from coarse to fine).",
            )
        total = shift.cells[number] * side if shift else size + -size % side
        if total == size and shift is None:
            continue
        index = torch.arange(total, device=fields.device)
        if shift:
            index = index - shift.points[number]
        index = index % size if wraps else index.clamp(0, size - 1)
        fields = fields.index_select(axis, index)
    return fields


def crop(
    fields: Float[Tensor, "b l c *padded"],
    shape: tuple[int, ...],
    shift: Shift | None = None,
) -> Float[Tensor, "b l c *space"]:
    """Cut off what `pad` added, and undo its shift.

    Args:
        fields: (b, l, c, *padded).
        shape: points per axis of the grid.
        shift: what `pad` was given.
    """
    for number, size in enumerate(shape):
        axis = fields.ndim - len(shape) + number
        if shift is None:
            fields = fields.narrow(axis, 0, size)
            continue
        index = torch.arange(size, device=fields.device) + shift.points[number]
        fields = fields.index_select(axis, index % size if shift.periodic[number] else index)
    return fields


def surround(
    values: Float[Tensor, "b d *space"], reach: int, *, periodic: tuple[bool, ...]
) -> Float[Tensor, "b d *padded"]:
    """Continue every axis on both sides, for a convolution that keeps the grid.

    Periodic axes wrap around, as often as it takes; the others repeat their end points. In
    memory the answer's channels come last, which is what convolutions compute with.

    Args:
        values: (b, d, *space).
        reach: points to add at each end.
        periodic: whether each space axis wraps around.
    """
    last = values.movedim(1, -1)
    answer: Tensor = _Surround.apply(last, reach, periodic)  # type: ignore[no-untyped-call]
    return answer.movedim(-1, 1)


class _Surround(torch.autograd.Function):
    """Copies all values once, forward and backward.

    Concatenation would do the same, but the way back would make a gradient of the whole size
    for each end of each axis.
    """

    @staticmethod
    def forward(
        ctx: Any, values: Float[Tensor, "b *space d"], reach: int, periodic: tuple[bool, ...]
    ) -> Float[Tensor, "b *padded d"]:
        """Copy the values, then the ends of one axis after another."""
        ctx.reach, ctx.periodic = reach, periodic
        padded = [size + 2 * reach for size in values.shape[1:-1]]
        answer = values.new_empty((len(values), *padded, values.shape[-1]))
        _cut(answer, reach, first=1).copy_(values)
        for axis, wraps in enumerate(periodic, start=1):
            slab = _cut(answer, reach, first=axis + 1)
            for end, source in _ends(values.shape[axis], reach, wraps=wraps):
                slab.narrow(axis, *end).copy_(slab.narrow(axis, *source))
        return answer

    @staticmethod
    def backward(ctx: Any, gradient: Float[Tensor, "b *padded d"]) -> tuple[Tensor, None, None]:
        """Add what came to the ends to the points that they repeat."""
        gradient = gradient.clone(memory_format=torch.contiguous_format)
        for axis, wraps in reversed(list(enumerate(ctx.periodic, start=1))):
            slab = _cut(gradient, ctx.reach, first=axis + 1)
            for end, source in _ends(slab.shape[axis] - 2 * ctx.reach, ctx.reach, wraps=wraps):
                added = slab.narrow(axis, *end)
                if source.length < end.length:
                    added = added.sum(axis, keepdim=True)
                slab.narrow(axis, *source).add_(added)
        return _cut(gradient, ctx.reach, first=1), None, None


class _Range(NamedTuple):
    """Some points of a continued axis."""

    start: int
    length: int


def _cut(values: Float[Tensor, "b *padded d"], reach: int, *, first: int) -> Tensor:
    """View values without the ends of the axes from `first` on."""
    for axis in range(first, values.ndim - 1):
        values = values.narrow(axis, reach, values.shape[axis] - 2 * reach)
    return values


def _ends(size: int, reach: int, *, wraps: bool) -> Iterator[tuple[_Range, _Range]]:
    """Points beyond the ends of an axis, and those of the middle that they repeat.

    Args:
        size: points of the axis itself.
        reach: points to add at each end.
        wraps: whether the axis is periodic.
    """
    if not wraps:
        yield _Range(0, reach), _Range(reach, 1)
        yield _Range(reach + size, reach), _Range(reach + size - 1, 1)
        return
    for done in range(0, reach, size):
        length = min(size, reach - done)
        yield _Range(reach - done - length, length), _Range(reach + size - length, length)
        yield _Range(reach + size + done, length), _Range(reach, length)
