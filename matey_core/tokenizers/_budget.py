"""Which cells a budget refines: above γ, a ratio, or a number of tokens."""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from matey_core.budgets import Ladder, Quota
from matey_core.nn.shift import Shift
from matey_core.tokenizers._base import TokenizerConfig
from matey_core.tokenizers._rest import cells_at, spend
from matey_core.tokenizers._tree import children, has_empty_cells, inside

Scores = Float[Tensor, "b ..."]
Chosen = Bool[Tensor, "b ..."]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What becomes of the cells of every level but the finest."""

    refined: tuple[Chosen, ...]
    kept: tuple[Chosen, ...]
    """Refined cells that stay tokens; empty if none do."""
    quota: Quota | None
    """How many of each, where every sample has the same number."""


def decide(
    config: TokenizerConfig,
    scores: tuple[Scores, ...],
    patches: tuple[tuple[int, ...], ...],
    *,
    shape: tuple[int, ...],
    periodic: tuple[bool, ...],
    shift: Shift | None = None,
) -> Decision:
    """Choose, for every level but the finest, which cells are refined, and which of them stay.

    Nothing waits for the device, and with a ratio or a number of tokens nothing depends on it:
    unless trees shall be balanced, or there are cells of nothing but padding, which cost
    nothing, every sample refines `quota.splits` cells.

    Args:
        config: holds γ, a ratio or a number of tokens.
        scores: (b, *cells) of every level but the finest.
        patches: points per axis of the cells of all levels.
        shape: points per axis of the grid, without padding.
        periodic: whether each space axis wraps around.
        shift: how far the cells begin before the first point.

    Raises:
        ConfigError: no tree of cells has that number of tokens.
    """
    if not scores:
        return Decision(refined=(), kept=(), quota=None)
    quota = _quota(config, scores, patches)
    ranked, refined = [], []
    exists = torch.ones_like(scores[0], dtype=torch.bool)
    for level, values in enumerate(scores):
        here = inside(shape, patches[level], values.shape[1:], values.device, shift)
        may_split = exists & here
        if config.balanced and level:
            ends = _seams(shape, patches[level], periodic)
            # Cells of nothing but padding never split: they are nobody's neighbors.
            may_split &= _surrounded(exists | ~here, ends)
        ranked.append(values.masked_fill(~may_split, -math.inf))
        chosen = _largest(ranked[-1], quota.splits[level]) if quota else config.budget.above(values)
        refined.append(chosen & may_split)
        exists = children(refined[-1], patches[level], patches[level + 1])
    empty = has_empty_cells(shape, patches, tuple(scores[0].shape[1:]))
    is_certain = quota is not None and not config.balanced and not empty
    kept: tuple[Chosen, ...] = ()
    if quota and config.tokens is not None and not is_certain and not config.keeps_roots:
        most = torch.full((len(scores[0]),), config.tokens, device=scores[0].device)
        if not config.keep_parents:  # no more than the finest cells everywhere
            most = most.clamp(max=_num_finest(scores[0], patches, shape, shift))
        left = most - _num_leaves(refined, patches, shape, shift)
        if empty and not config.balanced:
            parents = sum(split.flatten(1).sum(1) for split in refined)
            refined = spend(
                left - parents if config.keep_parents else left,
                refined,
                scores,
                patches,
                shape=shape,
                shift=shift,
                keep_parents=config.keep_parents,
            )
            left = most - _num_leaves(refined, patches, shape, shift)
        kept = _kept(refined, scores, left)
    elif quota and any(quota.kept):
        kept = tuple(
            # Fewer than the quota may have been split: then all of them stay.
            split & _largest(values.masked_fill(~split, -math.inf), count)
            for values, split, count in zip(ranked, refined, quota.kept, strict=True)
        )
    elif config.keep_parents:
        kept = tuple(refined)
    return Decision(refined=tuple(refined), kept=kept, quota=quota if is_certain else None)


def _quota(
    config: TokenizerConfig, scores: tuple[Scores, ...], patches: tuple[tuple[int, ...], ...]
) -> Quota | None:
    roots = math.prod(scores[0].shape[1:])
    pieces = [
        math.prod(big // small for big, small in zip(coarse, fine, strict=True))
        for coarse, fine in pairwise(patches)
    ]
    return config.budget.quota(
        Ladder(
            roots=roots,
            pieces=pieces,
            keep_parents=config.keep_parents,
            keeps_roots=config.keeps_roots,
        )
    )


def _largest(scores: Scores, count: int) -> Chosen:
    """The `count` cells of each sample that score highest; ties go to the first."""
    if count == scores[0].numel():
        return torch.ones_like(scores, dtype=torch.bool)
    flat = scores.flatten(1)
    order = flat.argsort(dim=1, descending=True, stable=True)[:, :count]
    chosen = torch.zeros_like(flat, dtype=torch.bool)
    return chosen.scatter(1, order, True).reshape(scores.shape)


def _seams(
    shape: tuple[int, ...], patch: tuple[int, ...], periodic: tuple[bool, ...]
) -> tuple[int | None, ...]:
    """Cells before the seam of each axis, without those of padding; None where it is bounded."""
    return tuple(
        -(-points // side) if wraps else None
        for points, side, wraps in zip(shape, patch, periodic, strict=True)
    )


def _surrounded(exists: Chosen, seams: tuple[int | None, ...]) -> Chosen:
    """Cells whose neighbors, corner to corner, are all there, at this level or below it."""
    for axis, seam in enumerate(seams, start=1):
        size = exists.shape[axis]
        if seam is None:
            first, last = exists.narrow(axis, 0, 1), exists.narrow(axis, size - 1, 1)
            before = torch.cat([first, exists.narrow(axis, 0, size - 1)], axis)
            after = torch.cat([exists.narrow(axis, 1, size - 1), last], axis)
            exists = exists & before & after
        else:
            ring, padding = exists.split([seam, size - seam], axis)
            ring = ring & ring.roll(1, axis) & ring.roll(-1, axis)
            exists = torch.cat([ring, padding], axis)
    return exists


def _num_leaves(
    refined: list[Chosen],
    patches: tuple[tuple[int, ...], ...],
    shape: tuple[int, ...],
    shift: Shift | None,
) -> Int[Tensor, " b"]:
    """(b,) leaves of each sample, without those of nothing but padding."""
    total = torch.zeros(len(refined[0]), dtype=torch.long, device=refined[0].device)
    exists = torch.ones_like(refined[0])
    for level, patch in enumerate(patches):
        leaves = exists & ~refined[level] if level < len(refined) else exists
        is_inside = inside(shape, patch, leaves.shape[1:], leaves.device, shift)
        total += (leaves & is_inside).flatten(1).sum(1)
        if level < len(refined):
            exists = children(refined[level], patch, patches[level + 1])
    return total


def _num_finest(
    roots: Scores, patches: tuple[tuple[int, ...], ...], shape: tuple[int, ...], shift: Shift | None
) -> Int[Tensor, ""]:
    """Cells of the finest level that hold points of the grid."""
    cells = cells_at(len(patches) - 1, roots, patches)
    return inside(shape, patches[-1], cells, roots.device, shift).sum()


def _kept(
    refined: list[Chosen], ranked: tuple[Scores, ...], left: Int[Tensor, " b"]
) -> tuple[Chosen, ...]:
    """Of the split cells, as many as tokens are left: coarse ones first, then by their scores."""
    kept = []
    for split, values in zip(refined, ranked, strict=True):
        flat = values.masked_fill(~split, -math.inf).flatten(1)
        rank = flat.argsort(dim=1, descending=True, stable=True).argsort(dim=1)
        kept.append(split & (rank < left[:, None]).reshape(split.shape))
        left = (left - split.flatten(1).sum(1)).clamp(min=0)
    return tuple(kept)
