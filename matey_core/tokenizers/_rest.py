"""What cells of nothing but padding leave of a budget, spent on more splits."""

from itertools import pairwise

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from matey_core.nn.shift import Shift
from matey_core.tokenizers._tree import children, inside


def spend(
    left: Int[Tensor, " b"],
    refined: list[Bool[Tensor, "b ..."]],
    scores: tuple[Float[Tensor, "b ..."], ...],
    patches: tuple[tuple[int, ...], ...],
    *,
    shape: tuple[int, ...],
    shift: Shift | None,
    keep_parents: bool,
) -> list[Bool[Tensor, "b ..."]]:
    """Split further cells, worst first, as long as their children are within the budget.

    Finest cells come first, as they cost least; then coarser ones, and then their children.

    Args:
        left: tokens of each sample that are not spent.
        refined: for every level but the finest, the cells that are split already.
        scores: of the same levels.
        patches: points per axis of the cells of all levels.
        shape: points per axis of the grid, without padding.
        shift: how far the cells begin before the first point.
        keep_parents: whether split cells stay tokens.
    """
    refined, device = list(refined), left.device
    here = [
        inside(shape, patch, cells_at(level, scores[0], patches), device, shift)
        for level, patch in enumerate(patches)
    ]
    costs = [_pieces(fine, coarse.shape) - int(not keep_parents) for coarse, fine in pairwise(here)]
    downwards = range(len(refined))
    for level in (*reversed(downwards), *downwards[1:]):
        exists = torch.ones_like(refined[0])
        for above in range(level):
            exists = children(exists & refined[above], patches[above], patches[above + 1])
        may_split = (exists & ~refined[level] & here[level]).flatten(1)
        order = scores[level].flatten(1).masked_fill(~may_split, -torch.inf)
        order = order.argsort(dim=1, descending=True, stable=True)
        price = torch.where(may_split, costs[level].flatten(), 2**30).gather(1, order)
        fits = price.cumsum(1) <= left[:, None]
        left = left - (price * fits).sum(1)
        more = torch.zeros_like(may_split).scatter(1, order, fits)
        refined[level] = refined[level] | more.reshape(refined[level].shape)
    return refined


def cells_at(
    level: int, roots: Float[Tensor, "b ..."], patches: tuple[tuple[int, ...], ...]
) -> tuple[int, ...]:
    """Cells per axis of a level.

    Args:
        level: its number.
        roots: one value a coarsest cell.
        patches: points per axis of the cells of all levels.
    """
    sides = zip(roots.shape[1:], patches[0], patches[level], strict=True)
    return tuple(count * (coarse // fine) for count, coarse, fine in sides)


def _pieces(fine: Bool[Tensor, "..."], coarse: tuple[int, ...]) -> Int[Tensor, "..."]:
    """Number of cells with a point of the grid that each coarse cell splits into."""
    split = [
        n for cells, count in zip(fine.shape, coarse, strict=True) for n in (count, cells // count)
    ]
    return fine.reshape(split).sum(tuple(range(1, len(split), 2)))
