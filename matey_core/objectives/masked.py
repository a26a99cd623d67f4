"""Patches of the history are hidden, and the model says what they are at the lead time.

Masked reconstruction, as in *Strategies for Pretraining Neural Operators* (TMLR 2024), for models
that predict states: a patch is hidden in all frames of the history, and the loss counts hidden
cells alone. Hidden in some frames only, it would look like a change. Hidden cells hold their
field's mean over those that are seen, as solid and missing cells do.

Which patches are hidden follows from the numbers in the window, and from its lead time. So a
resumed training, and any way to deal a batch out to processes, hides the same ones.
"""

import math
from dataclasses import replace
from typing import Literal

import torch
from jaxtyping import Bool, Float
from pydantic import Field, PositiveInt
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.losses import LossFunction
from matey_core.objectives import (
    OBJECTIVES,
    Objective,
    ObjectiveConfig,
    ObjectiveValue,
    Predict,
    with_side_loss,
)
from matey_core.objectives._drawn import drawn


@OBJECTIVES.register("masked")
class MaskedConfig(ObjectiveConfig):
    """The loss of cells that the model was not shown."""

    name: Literal["masked"] = "masked"
    ratio: float = Field(default=0.5, gt=0, lt=1)
    """Fraction of the patches that are hidden; at least one is, and one is not."""
    patch: PositiveInt = 4
    """Points of a hidden patch along each axis, at most half of the axis."""

    def build(self, loss: LossFunction) -> Objective:
        """Make the objective for a loss."""

        def masked(predict: Predict, batch: FieldBatch) -> ObjectiveValue:
            assert batch.targets is not None
            hidden = hidden_cells(batch, self.ratio, self.patch)
            history = _filled(batch.history, hidden[:, None, None])
            prediction = predict(replace(batch, history=history))
            asked = hidden[:, None, None].expand(batch.targets.shape)
            valid = asked if batch.valid is None else asked & batch.valid
            value = loss(prediction, replace(batch, valid=valid))
            return ObjectiveValue(
                total=with_side_loss(value.total, prediction), loss=value, prediction=prediction
            )

        return masked


def hidden_cells(batch: FieldBatch, ratio: float, patch: int) -> Bool[Tensor, "b *space"]:
    """Choose the patches of every sample.

    Args:
        batch: of windows.
        ratio: fraction of the patches that are hidden.
        patch: points along each axis, at most.
    """
    shape = batch.spec.grid.shape
    sides = [min(patch, -(-points // 2)) for points in shape]
    counts = [-(-points // side) for points, side in zip(shape, sides, strict=True)]
    number = math.prod(counts)
    chosen = max(1, min(round(ratio * number), number - 1))
    order = drawn(batch, number).argsort(dim=1)
    hidden = torch.zeros_like(order, dtype=torch.bool).scatter(1, order[:, :chosen], True)
    hidden = hidden.view(-1, *counts)
    for axis, (points, side) in enumerate(zip(shape, sides, strict=True), start=1):
        hidden = hidden.repeat_interleave(side, dim=axis).narrow(axis, 0, points)
    return hidden


def _filled(
    history: Float[Tensor, "b t c *space"], hidden: Bool[Tensor, "b 1 1 *space"]
) -> Float[Tensor, "b t c *space"]:
    """Put each field's mean over all times and the cells that are seen into the others."""
    dims = (1, *range(3, history.ndim))
    seen = torch.where(hidden, 0.0, history).sum(dims, keepdim=True)
    number = (~hidden).sum(dims, keepdim=True).clamp(min=1) * history.shape[1]
    return torch.where(hidden, seen / number, history)
