"""The arithmetic that the relative errors share."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def over_space(
    values: Float[Tensor, "b l c *space"], valid: Bool[Tensor, "b l c *space"] | None
) -> Float[Tensor, "b l c"]:
    """Average over the cells of all space axes that count; NaN where none does."""
    if valid is None:
        return values.flatten(3).mean(dim=3)
    known = valid.flatten(3)
    return torch.where(known, values.flatten(3), 0).sum(dim=3) / known.sum(dim=3)


def relative_root(
    error: Float[Tensor, "b l c"], scale: Float[Tensor, "b l c"]
) -> Float[Tensor, "b l c"]:
    """√(error / scale), which is 0 where there is no error, whatever the scale.

    Args:
        error: (b, l, c) mean squared error.
        scale: (b, l, c) what it is measured against; 0 makes any error ∞.
    """
    return torch.where(error == 0, 0.0, torch.sqrt(error / scale))
