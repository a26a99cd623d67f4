"""Which cells a budget refines: above γ, a ratio, or a number of tokens."""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from matey_core.tokenizers._base import TokenizerConfig
from matey_core.tokenizers._tree import children

Scores = Float[Tensor, "b *cells"]
Chosen = Bool[Tensor, "b *cells"]


def decide(
    config: TokenizerConfig, scores: tuple[Scores, ...], patches: tuple[tuple[int, ...], ...]
) -> tuple[Chosen, ...]:
    """Choose, for every level but the finest, which cells are refined.

    Args:
        config: holds γ, a ratio or a number of tokens.
        scores: (b, *cells) of every level but the finest.
        patches: points per axis of the cells of all levels.
    """
    if not scores:
        return ()
    if config.tokens is not None:
        return _within_tokens(config.tokens, scores, patches, keeps_roots=config.keeps_roots)
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
    *,
    keeps_roots: bool,
) -> tuple[Chosen, ...]:
    """Refine worst cells first while the number of tokens stays within the budget.

    A child never ranks before its parent: its rank is that of the smaller of both
    scores. Every sample ends with the same number of tokens, which is `tokens`
    itself wherever whole cells can add up to it.
    """
    ranked = [scores[0]]
    for level in range(1, len(scores)):
        parent = children(ranked[-1], patches[level - 1], patches[level])
        ranked.append(torch.minimum(scores[level], parent))
    sizes = [level[0].numel() for level in ranked]
    prices = [
        torch.full((size,), split_cost(coarse, fine, keeps_roots=keeps_roots))
        for size, coarse, fine in zip(sizes, patches, patches[1:], strict=False)
    ]
    flat = torch.cat([level.flatten(1) for level in ranked], dim=1)
    order = flat.argsort(dim=1, descending=True, stable=True)
    spent = torch.cat(prices).to(flat.device)[order].cumsum(1)
    chosen = torch.zeros_like(flat, dtype=torch.bool).scatter(1, order, spent <= tokens - sizes[0])
    parts = chosen.split(sizes, dim=1)
    return tuple(part.reshape(level.shape) for part, level in zip(parts, ranked, strict=True))


def split_cost(coarse: tuple[int, ...], fine: tuple[int, ...], *, keeps_roots: bool) -> int:
    """Tokens that refining one cell adds.

    Args:
        coarse: points per axis of the cell.
        fine: points per axis of the cells it splits into.
        keeps_roots: whether the refined cell stays a token itself.
    """
    pieces = math.prod(big // small for big, small in zip(coarse, fine, strict=True))
    return pieces if keeps_roots else pieces - 1
