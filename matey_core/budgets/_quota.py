"""How many cells of each level a number of tokens lets one split: known without any data.

Every sample splits the same number of cells of a level, and its scores decide only which.
So the shapes of all tensors are known beforehand: nothing waits for the device, and a
compiled model is compiled once.
"""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

from matey_core.errors import ConfigError

DESCENT = 0.5
"""Fraction of new cells that are split again, as long as there are cells left to split."""
ROUND_OFF = 1e-6
"""Of a cell: 0.29 · 100 is less than 29 in floating point."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """What a budget allows on one grid."""

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
    if not is_exact or splits == _all(roots, pieces):
        kept = sum(splits) if keep_parents and is_exact else 0
        return Quota(splits=tuple(splits), kept=_coarse_first(splits, kept))
    found = _filled(tokens - roots, 0, roots, pieces, splits)
    if found is None:
        raise _unreachable(tokens, roots, pieces)
    return Quota(
        splits=tuple(found),
        kept=_coarse_first(found, tokens - _num_leaves(found, roots, pieces)),
    )


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
        splits.append(int(ratio * cells + ROUND_OFF))
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


def _all(roots: int, pieces: Sequence[int]) -> list[int]:
    return [roots * math.prod(pieces[:level]) for level in range(len(pieces))]


def _filled(
    left: int, parents: int, cells: int, pieces: Sequence[int], least: Sequence[int]
) -> list[int] | None:
    """Splits that leave no more tokens than there are parents to spend them on.

    Args:
        left: tokens to spend.
        parents: cells split already, each of which may stay.
        cells: of the first level of `pieces`.
        pieces: cells that one is split into, of this level and of finer ones.
        least: splits to begin with; fewer are tried last, and at the finest level not at all.

    Returns:
        Splits of these levels; None where there are none.
    """
    number, *finer = pieces
    most = min(cells, left // (number - 1))
    first = min(least[0], most)
    if not finer:
        fewest = -((parents - left) // number)
        return [max(first, fewest)] if fewest <= most else None
    for count in (*range(first, most + 1), *range(first)):
        rest = left - count * (number - 1)
        splits = _filled(rest, parents + count, count * number, finer, least[1:])
        if splits is not None:
            return [count, *splits]
    return None


def _unreachable(tokens: int, roots: int, pieces: Sequence[int]) -> ConfigError:
    def is_reachable(number: int) -> bool:
        return _filled(number - roots, 0, roots, pieces, [0] * len(pieces)) is not None

    low = next(filter(is_reachable, range(tokens - 1, roots - 1, -1)))
    high = next(filter(is_reachable, itertools.count(tokens + 1)))
    return ConfigError(
        f"No tree of cells has {tokens} tokens on this grid: the next below has {low}, the next "
        f"above {high}.",
        remedy=f"Allow {low} or {high} tokens, or add patch sizes in between, each half of the "
        "last.",
    )


def _coarse_first(splits: Sequence[int], left: int) -> tuple[int, ...]:
    """Keep coarse parents first: they see furthest."""
    kept = []
    for count in splits:
        kept.append(min(count, left))
        left -= kept[-1]
    return tuple(kept)
