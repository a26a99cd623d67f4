"""Differences between the points of a cell."""

from jaxtyping import Float
from torch import Tensor

from matey_core.criteria._base import History


def energy(history: History, patch: tuple[int, ...], *, order: int) -> Float[Tensor, "b *cells"]:
    """Mean over fields of the squared differences along each axis of a cell, summed over axes.

    Args:
        history: what to look at.
        patch: points per axis of a cell. Along an axis of `order` points or fewer, the highest
            difference that fits is taken.
        order: 1 for differences of neighbors, 2 for differences of those.
    """
    cells = history.cells(patch)
    points = cells.unflatten(-1, (-1, *patch))
    total = cells.new_zeros(cells.shape[:-1])
    for axis, side in enumerate(patch, start=points.ndim - len(patch)):
        if side > 1:
            step = points.diff(n=min(order, side - 1), dim=axis)
            total = total + step.square().flatten(cells.ndim - 1).mean(-1)
    return total.mean(-1)
