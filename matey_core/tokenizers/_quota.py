"""How many cells of each level a number of tokens lets one split: known without any data.

Every sample splits the same number of cells of a level, and its scores decide only which.
So the shapes of all tensors are known beforehand: nothing waits for the device, and a
compiled model is compiled once.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from matey_core.errors import ConfigError

DESCENT = 0.5
"""Fraction of new cells that are split again, as long as there are cells left to split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What a budget buys on one grid."""

    splits: tuple[int, ...]
    """Cells split, for every level but the finest."""
    kept: tuple[int, ...]
    """Of these, cells that stay tokens beside their children."""


def quota_of_tokens(
    tokens: int, *, roots: int, pieces: Sequence[int], keep_parents: bool, is_exact: bool
) -> Quota:
    """Divide a number of tokens over levels.

    Args:
        tokens: of a frame.
        roots: cells of the coarsest level.
        pieces: for every level but the finest, the cells that one is split into.
        keep_parents: whether split cells stay tokens, as far as the budget allows.
        is_exact: whether what no split fits into is spent on split cells that stay; without
            it, all roots stay and the next smaller number that whole blocks add up to is met.

    Raises:
        ConfigError: no tree has this number of tokens.
    """
    if tokens < roots:
        raise ConfigError(
            f"{tokens} tokens are fewer than the {roots} coarsest cells of this grid.",
            remedy=f"Allow {roots} tokens or more, or begin with a coarser patch.",
        )
    costs = [number if keep_parents or not is_exact else number - 1 for number in pieces]
    splits = _splits(tokens - roots, roots, pieces, costs)
    if not is_exact or tokens >= roots * math.prod(pieces):
        kept = sum(splits) if keep_parents and is_exact else 0
        return Quota(splits=tuple(splits), kept=_coarse_first(splits, kept))
    left = tokens - _num_leaves(splits, roots, pieces)
    if left > sum(splits):
        splits = _one_more(splits, roots, pieces)
        left = tokens - _num_leaves(splits, roots, pieces)
    if not 0 <= left <= sum(splits):
        low, high = roots, _num_leaves(_one_more([0] * len(pieces), roots, pieces), roots, pieces)
        raise ConfigError(
            f"No tree of cells has {tokens} tokens on this grid: a first split of its {low} "
            f"coarsest cells makes {high}.",
            remedy=f"Allow {high} tokens, or add patch sizes in between, each half of the last.",
        )
    return Quota(splits=tuple(splits), kept=_coarse_first(splits, left))


def quota_of_ratio(ratio: float, *, roots: int, pieces: Sequence[int], keep_parents: bool) -> Quota:
    """Split a fraction of the cells that there are of each level.

    Args:
        ratio: from 0 to 1.
        roots: cells of the coarsest level.
        pieces: for every level but the finest, the cells that one is split into.
        keep_parents: whether split cells stay tokens.
    """
    splits, cells = [], roots
    for number in pieces:
        splits.append(int(ratio * cells))
        cells = splits[-1] * number
    return Quota(splits=tuple(splits), kept=tuple(splits) if keep_parents else (0,) * len(splits))


def _splits(left: int, roots: int, pieces: Sequence[int], costs: Sequence[int]) -> list[int]:
    splits, cells = [], roots
    for level, (number, cost) in enumerate(zip(pieces, costs, strict=True)):
        with_children = _cost_with_children(costs[level:], pieces[level:])
        splits.append(min(cells, left // cost, math.ceil(left / with_children)))
        cells, left = splits[-1] * number, left - splits[-1] * cost
    return splits


def _cost_with_children(costs: Sequence[int], pieces: Sequence[int]) -> float:
    """Tokens that one split adds, if of its children the fraction `DESCENT` are split again."""
    total, cells = 0.0, 1.0
    for cost, number in zip(costs, pieces, strict=True):
        total += cells * cost
        cells *= DESCENT * number
    return total


def _num_leaves(splits: Sequence[int], roots: int, pieces: Sequence[int]) -> int:
    return roots + sum(k * (number - 1) for k, number in zip(splits, pieces, strict=True))


def _one_more(splits: Sequence[int], roots: int, pieces: Sequence[int]) -> list[int]:
    """Split one cell more, of the first level that has one left."""
    more, cells = list(splits), roots
    for level, (count, number) in enumerate(zip(splits, pieces, strict=True)):
        if count < cells:
            more[level] += 1
            break
        cells = count * number
    return more


def _coarse_first(splits: Sequence[int], left: int) -> tuple[int, ...]:
    """Keep coarse parents first: they see furthest."""
    kept = []
    for count in splits:
        kept.append(min(count, left))
        left -= kept[-1]
    return tuple(kept)
