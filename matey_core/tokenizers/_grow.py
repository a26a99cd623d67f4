"""From fields and a budget to a tree: score the cells, then decide which to refine."""

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.criteria import Estimate, History, scores_of
from matey_core.nn.padding import pad
from matey_core.nn.scale import Scale
from matey_core.nn.shift import Shift
from matey_core.tokenizers._base import TokenizerConfig
from matey_core.tokenizers._budget import decide
from matey_core.tokenizers._tree import Tree


def grow(
    config: TokenizerConfig,
    history: Float[Tensor, "b t c *space"],
    *,
    periodic: tuple[bool, ...],
    estimate: Estimate | None = None,
    shift: Shift | None = None,
) -> Tree:
    """Choose the cells that each sample of a batch is cut into.

    The one place where cells are chosen: models and the inspection command share it.

    Args:
        config: tokenizer, patch sizes, criterion and budget.
        history: (b, t, c, *space) in physical units.
        periodic: whether each space axis wraps around.
        estimate: a model's own estimate of its errors, for the criterion `learned`.
        shift: how far the cells begin before the first point.

    Raises:
        ShapeError: the grid is smaller than the coarsest patch.
        ConfigError: no tree of cells has the number of tokens that the budget names, or there
            are more cells than `coarse_cells` allows.
    """
    scale = Scale.of(history)
    return grow_normalized(
        config,
        scale.normalize(history),
        std=scale.std,
        periodic=periodic,
        estimate=estimate,
        shift=shift,
    )


@torch.no_grad()
def grow_normalized(
    config: TokenizerConfig,
    values: Float[Tensor, "b t c *space"],
    *,
    std: Float[Tensor, "b c"],
    periodic: tuple[bool, ...],
    estimate: Estimate | None = None,
    spared: float = 0.0,
    shift: Shift | None = None,
) -> Tree:
    """Like `grow`, for a history that is normalized already.

    Args:
        config: tokenizer, patch sizes, criterion and budget.
        values: (b, t, c, *space) normalized fields.
        std: (b, c) their physical standard deviations.
        periodic: whether each space axis wraps around.
        estimate: a model's own estimate of its errors, for the criterion `learned`.
        spared: fraction of the cells, drawn anew, whose score is set to 0.
        shift: how far the cells begin before the first point.

    Raises:
        ShapeError: the grid is smaller than the coarsest patch.
        ConfigError: no tree of cells has the number of tokens that the budget names, or there
            are more cells than `coarse_cells` allows.
    """
    num_axes = values.ndim - 3
    config = config.on(tuple(values.shape[3:]), shift)
    patches = tuple((side,) * num_axes for side in config.levels)
    padded = pad(values, patches[0], periodic=periodic, shift=shift)
    history = History(values=padded, std=std, estimate=estimate)
    scores = tuple(scores_of(config.criterion, history, patch) for patch in patches[:-1])
    if spared:
        scores = tuple(s.masked_fill(torch.rand_like(s) < spared, 0.0) for s in scores)
    shape = tuple(values.shape[3:])
    decision = decide(config, scores, patches, shape=shape, periodic=periodic, shift=shift)
    return Tree(
        patches=patches,
        refined=decision.refined,
        kept=decision.kept,
        quota=decision.quota,
        scores=scores,
        roots=tuple(n // p for n, p in zip(padded.shape[3:], patches[0], strict=True)),
        shape=shape,
        shift=shift,
        samples=values.shape[0],
        device=values.device,
    )
