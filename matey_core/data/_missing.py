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
        past, future = history[:, :, channel], targets[:, :, channel]
        unknown, unknown_future = past.isnan(), future.isnan()
        each = tuple(range(1, past.ndim))
        total = past.double().masked_fill(unknown, 0).sum(each, keepdim=True)
        mean = (total / (~unknown).sum(each, keepdim=True).clamp(min=1)).float()
        past.copy_(torch.where(unknown, mean, past))
        future.copy_(torch.where(unknown_future, mean, future))
        valid[:, :, channel] = ~unknown_future
    return valid
