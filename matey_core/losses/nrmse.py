"""Root mean square error relative to the target's root mean square, free of units.

√r with r = ⟨(p − t)²⟩ / max(⟨t²⟩, 10⁻⁴ ⟨u²⟩), with ⟨t²⟩ the mean over space of the target
and ⟨u²⟩ that of the known history; the loss is the mean over samples, lead times and fields.

The floor stands for a target that has all but vanished: its error counts relative to 1 % of
the history's size. A field that is zero in history and target has no size to compare with:
it adds nothing to the loss.
"""

from typing import Literal

import torch

from matey_core.batches import FieldBatch, Prediction
from matey_core.losses import LOSSES, Loss, LossConfig, LossFunction
from matey_core.losses._means import (
    history_size,
    over_samples,
    root,
    squared_error,
    squared_size,
    unit_of,
)

FLOOR = 1e-4


@LOSSES.register("nrmse")
class NrmseConfig(LossConfig):
    """Root mean square error relative to the target's root mean square."""

    name: Literal["nrmse"] = "nrmse"

    def build(self) -> LossFunction:
        """Return `nrmse`."""
        return nrmse


def nrmse(prediction: Prediction, batch: FieldBatch) -> Loss:
    """Compute the mean of √r; its part `relative_mse` is the mean of r."""
    unit = unit_of(batch)  # squares of values above 2·10¹⁹ are not finite
    size = torch.maximum(squared_size(batch, unit), FLOOR * history_size(batch, unit))
    has_size = size > 0
    relative = squared_error(prediction, batch, unit) / torch.where(has_size, size, 1.0)
    relative = torch.where(has_size, relative, 0.0)
    return Loss(
        total=over_samples(root(relative), batch),
        parts={"relative_mse": over_samples(relative.detach(), batch)},
    )
