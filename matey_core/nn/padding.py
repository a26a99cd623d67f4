"""Fields continued beyond their grid, so that whole patches cover it."""

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

    Periodic axes wrap around, as often as it takes; the others repeat their end points.

    Args:
        values: (b, d, *space).
        reach: points to add at each end.
        periodic: whether each space axis wraps around.
    """
    for axis, wraps in enumerate(periodic, start=2):
        size = values.shape[axis]
        if wraps and reach <= size:
            ends = (values.narrow(axis, size - reach, reach), values.narrow(axis, 0, reach))
        elif wraps:
            index = torch.arange(-reach, size + reach, device=values.device) % size
            values = values.index_select(axis, index)
            continue
        else:
            shape = [reach if number == axis else -1 for number in range(values.ndim)]
            ends = (
                values.narrow(axis, 0, 1).expand(shape),
                values.narrow(axis, size - 1, 1).expand(shape),
            )
        values = torch.cat([ends[0], values, ends[1]], dim=axis)
    return values
