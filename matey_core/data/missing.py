"""Values that are not known: missing in the source, or inside something solid."""

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def fill_missing(
    history: Float[Tensor, "b t c *space"],
    targets: Float[Tensor, "b l c *space"],
    channels: Sequence[int],
) -> Bool[Tensor, "b l c *space"]:
    """Put a mean in the place of every NaN, and tell where targets are known.

    The mean is that of the field's known values in the sample's history, and 0 if there
    are none: filled cells then neither shift a normalization nor stand out.

    Args:
        history: changed in place.
        targets: changed in place.
        channels: fields that may have NaN.
    """
    valid = torch.ones_like(targets, dtype=torch.bool)
    for channel in channels:
        one = slice(channel, channel + 1)
        past, future = history[:, :, one], targets[:, :, one]
        mean, unknown = known_mean(past), future.isnan()
        past.copy_(torch.where(past.isnan(), mean, past))
        future.copy_(torch.where(unknown, mean, future))
        valid[:, :, one] = ~unknown
    return valid


def known_mean(history: Float[Tensor, "b t c *space"]) -> Float[Tensor, "b 1 c *one"]:
    """Mean over time and space of what each sample knows of each field; 0 where it is nothing."""
    axes = (1, *range(3, history.ndim))
    known = (~history.isnan()).sum(axes, keepdim=True).clamp(min=1)
    return (history.double().nansum(axes, keepdim=True) / known).to(history.dtype)
