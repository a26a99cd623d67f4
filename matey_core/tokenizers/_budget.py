"""Which cells a budget refines: above γ, a ratio, or a number of tokens."""

import math

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from matey_core.tokenizers._base import TokenizerConfig
from matey_core.tokenizers._tree import children, inside

Scores = Float[Tensor, "b ..."]
Chosen = Bool[Tensor, "b ..."]


def decide(
    config: TokenizerConfig,
    scores: tuple[Scores, ...],
    patches: tuple[tuple[int, ...], ...],
    *,
    shape: tuple[int, ...],
) -> tuple[Chosen, ...]:
    """Choose, for every level but the finest, which cells are refined.

    Args:
        config: holds γ, a ratio or a number of tokens.
        scores: (b, *cells) of every level but the finest.
        patches: points per axis of the cells of all levels.
        shape: points per axis of the grid, without padding.
    """
    if not scores:
        return ()
    if config.tokens is not None:
        costs = split_costs(scores, patches, shape, keeps_roots=config.keeps_roots)
        return _within_tokens(config.tokens, scores, patches, costs)
    if config.ratio is not None:
        return tuple(_largest(level, int(config.ratio * level[0].numel())) for level in scores)
    return tuple(_above(level, config.budget_gamma) for level in scores)


def _above(scores: Scores, gamma: float) -> Chosen:
    """Cells that score strictly above γ times the sample's largest score."""
    peak = scores.flatten(1).amax(1).reshape(-1, *(1,) * (scores.ndim - 1))
    return scores > gamma * peak


def _largest(scores: Scores, count: int) -> Chosen:
    """The `count` cells of each sample that score highest; ties go to the first."""
    flat = scores.flatten(1)
    order = flat.argsort(dim=1, descending=True, stable=True)[:, :count]
    chosen = torch.zeros_like(flat, dtype=torch.bool)
    return chosen.scatter(1, order, True).reshape(scores.shape)


def _within_tokens(
    tokens: int,
    scores: tuple[Scores, ...],
    patches: tuple[tuple[int, ...], ...],
    costs: tuple[Int[Tensor, "..."], ...],
) -> tuple[Chosen, ...]:
    """Refine worst cells first while the number of tokens stays within the budget.

    A child never ranks before its parent: its rank is that of the smaller of both
    scores. Where patches divide the grid all splits cost the same, and every sample
    ends with `tokens` tokens, or with the next smaller number that whole cells add
    up to. Cells at a padded edge cost less, and may leave less than one split over.
    """
    ranked = [scores[0]]
    for level in range(1, len(scores)):
        parent = children(ranked[-1], patches[level - 1], patches[level])
        ranked.append(torch.minimum(scores[level], parent))
    sizes = [level[0].numel() for level in ranked]
    flat = torch.cat([level.flatten(1) for level in ranked], dim=1)
    order = flat.argsort(dim=1, descending=True, stable=True)
    spent = torch.cat([cost.flatten() for cost in costs])[order].cumsum(1)
    chosen = torch.zeros_like(flat, dtype=torch.bool).scatter(1, order, spent <= tokens - sizes[0])
    parts = chosen.split(sizes, dim=1)
    return tuple(part.reshape(level.shape) for part, level in zip(parts, ranked, strict=True))


def split_costs(
    scores: tuple[Scores, ...],
    patches: tuple[tuple[int, ...], ...],
    shape: tuple[int, ...],
    *,
    keeps_roots: bool,
) -> tuple[Int[Tensor, "..."], ...]:
    """Tokens that refining each cell adds.

    Args:
        scores: (b, *cells) of every level but the finest.
        patches: points per axis of the cells of all levels.
        shape: points per axis of the grid, without padding.
        keeps_roots: whether a refined cell stays a token itself; its block is then whole.
    """
    costs = []
    for level, coarse, fine in zip(scores, patches, patches[1:], strict=False):
        cells, device = level.shape[1:], level.device
        ratios = [big // small for big, small in zip(coarse, fine, strict=True)]
        if keeps_roots:
            costs.append(torch.full(cells, math.prod(ratios), device=device))
            continue
        finer = tuple(n * ratio for n, ratio in zip(cells, ratios, strict=True))
        pieces = inside(shape, fine, finer, device).long()
        for axis, ratio in enumerate(ratios):
            pieces = pieces.unflatten(axis, (-1, ratio)).sum(axis + 1)
        costs.append(pieces - inside(shape, coarse, tuple(cells), device).long())
    return tuple(costs)
