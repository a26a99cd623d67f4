"""Fields continued beyond their grid, so that whole patches cover it."""

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.errors import ShapeError


def pad(
    fields: Float[Tensor, "b l c *space"], patch: tuple[int, ...], *, periodic: tuple[bool, ...]
) -> Float[Tensor, "b l c *padded"]:
    """Continue every axis to the next multiple of the patch.

    Periodic axes wrap around; the others repeat their last point.

    Args:
        fields: (b, l, c, *space).
        patch: points per axis of the coarsest cell.
        periodic: whether each space axis wraps around.

    Raises:
        ShapeError: an axis is shorter than the patch.
    """
    for axis, (side, wraps) in enumerate(zip(patch, periodic, strict=True), start=3):
        size = fields.shape[axis]
        if size < side:
            grid = "×".join(map(str, fields.shape[3:]))
            raise ShapeError(
                f"A patch of {side} points does not fit a grid of {grid} points.",
                remedy=f"Choose patches of at most {min(fields.shape[3:])} points "
                "(model.tokenizer.patch, from coarse to fine).",
            )
        extra = -size % side
        if extra:
            index = torch.arange(size + extra, device=fields.device)
            index = index % size if wraps else index.clamp(max=size - 1)
            fields = fields.index_select(axis, index)
    return fields


def crop(
    fields: Float[Tensor, "b l c *padded"], shape: tuple[int, ...]
) -> Float[Tensor, "b l c *space"]:
    """Cut off what `pad` added.

    Args:
        fields: (b, l, c, *padded).
        shape: points per axis of the grid.
    """
    for axis, size in enumerate(shape, start=fields.ndim - len(shape)):
        fields = fields.narrow(axis, 0, size)
    return fields
