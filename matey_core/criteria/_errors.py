"""Errors of a prediction, cell by cell: what a good criterion would have known."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def squared_errors(
    prediction: Float[Tensor, "b c *space"],
    target: Float[Tensor, "b c *space"],
    std: Float[Tensor, "b c"],
    valid: Bool[Tensor, "b c *space"] | None = None,
) -> Float[Tensor, "b *space"]:
    """Mean over fields of the squared error of normalized fields, ((p − t) / σ)², at each point.

    Args:
        prediction: (b, c, *space) in physical units.
        target: (b, c, *space) the truth.
        std: (b, c) standard deviation σ of each field's history.
        valid: (b, c, *space) where targets are known; elsewhere the error is 0.
    """
    scale = std.reshape(*std.shape, *(1,) * (target.ndim - 2))
    error = (prediction.float() - target.float()) / scale
    if valid is not None:
        error = torch.where(valid, error, 0.0)
    return error.square().mean(1)


def cell_sums(
    values: Float[Tensor, "b *space"], patch: tuple[int, ...], cells: tuple[int, ...]
) -> Float[Tensor, "b *cells"]:
    """Add up what lies in each cell; beyond the grid there is nothing.

    Args:
        values: (b, *space), a number a point.
        patch: points per axis of a cell.
        cells: cells per axis, which cover the grid.
    """
    pairs = zip(values.shape[1:], patch, cells, strict=True)
    missing = [count * side - points for points, side, count in pairs]
    padded = torch.nn.functional.pad(values, [n for extra in reversed(missing) for n in (0, extra)])
    split = padded.reshape(
        len(values), *(n for pair in zip(cells, patch, strict=True) for n in pair)
    )
    return split.sum(tuple(range(2, split.ndim, 2)))
