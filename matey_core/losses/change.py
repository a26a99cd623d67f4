"""Root mean square error relative to how much a field changes: its error over persistence's.

√r with r = ⟨(p − t)²⟩ / δ²; the loss is the mean over samples, lead times and fields. In
training, δ is one constant for each store, lead time and field, `FieldBatch.change`: the root
mean square error of persistence over the store's windows. So a field on a large mean counts as
much as one around zero. A store that hardly changes counts as much as a violent one. Within a
store, calm windows count less than violent ones.

A batch without such constants has the window's own change as δ, from the last frame of the
history to the target. It is at least 1 % of the history's spread. A field whose δ is 0, such as
one that is zero throughout, adds nothing to the loss.
"""

from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.batches import FieldBatch, Prediction
from matey_core.losses import LOSSES, Loss, LossConfig, LossFunction
from matey_core.losses._means import (
    history_spread,
    over_samples,
    root,
    squared_error,
    unit_of,
)
from matey_core.rounding import ROUNDING

FLOOR = 1e-2
"""Smallest δ of a window's own, as a fraction of its history's spread."""


@LOSSES.register("change")
class ChangeConfig(LossConfig):
    """Root mean square error relative to the field's typical change."""

    needs_change: ClassVar[bool] = True

    name: Literal["change"] = "change"

    def build(self) -> LossFunction:
        """Return `change`."""
        return change


def change(prediction: Prediction, batch: FieldBatch) -> Loss:
    """Compute the mean of √r; its part `squared` is the mean of r."""
    size = own_change(batch) if batch.change is None else batch.change
    has_size = size > 0
    relative = squared_error(prediction, batch, torch.where(has_size, size, torch.inf))
    return Loss(
        total=over_samples(root(relative), batch),
        parts={"squared": over_samples(relative.detach(), batch)},
    )


def own_change(batch: FieldBatch) -> Float[Tensor, "b l c"]:
    """Root mean square over space of each window's change up to its targets, with a floor."""
    assert batch.targets is not None
    unit = unit_of(batch)
    last = Prediction(
        spec=batch.spec,
        values=batch.history[:, -1:].expand_as(batch.targets),
        lead_steps=batch.lead_steps,
    )
    spread, mean = history_spread(batch, unit)
    floor = torch.maximum(FLOOR * spread, ROUNDING * mean)
    return unit * torch.maximum(squared_error(last, batch, unit).sqrt(), floor)
