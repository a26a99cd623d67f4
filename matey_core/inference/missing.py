"""Cells that are solid or not known: what a model is shown in their place."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from matey_core.data.missing import known_mean


def fill_missing(
    history: Float[Tensor, "b t c *space"],
) -> tuple[Float[Tensor, "b t c *space"], Bool[Tensor, "b c *space"] | None]:
    """Fill NaN with the mean over time and space of what each sample knows of the field.

    Args:
        history: (b, t, c, *space) NaN where a cell is missing.

    Returns:
        The history, with 0 where nothing of a field is known, and the cells that are missing
        in its last frame. None stands for a history without a gap, which is returned as it is.
    """
    gaps = history.isnan()
    if not gaps.any():
        return history, None
    return torch.where(gaps, known_mean(history), history), gaps[:, -1]
