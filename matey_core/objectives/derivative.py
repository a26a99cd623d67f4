"""The loss of the answer, and of its derivatives along every axis.

An error in a small eddy or at the foot of a front is small in the field and large in its slope.
Derivatives are differences of neighbors. The loss is told them as if they were the fields, so each
has its own unit and counts as much as any other, whatever the grid. Pretext tasks that predict
derivatives of the input need a head of their own, which this objective does not.
"""

from dataclasses import replace
from typing import Literal

import torch
from pydantic import NonNegativeFloat
from torch import Tensor

from matey_core.batches import FieldBatch, Prediction
from matey_core.losses import Loss, LossFunction
from matey_core.objectives import (
    OBJECTIVES,
    Objective,
    ObjectiveConfig,
    ObjectiveValue,
    Predict,
    with_side_loss,
)


@OBJECTIVES.register("derivative")
class DerivativeConfig(ObjectiveConfig):
    """The loss of one call of the model, for fields and their derivatives."""

    name: Literal["derivative"] = "derivative"
    weight: NonNegativeFloat = 0.5
    """What the mean loss of the derivatives counts, beside that of the fields."""

    def build(self, loss: LossFunction) -> Objective:
        """Make the objective for a loss."""

        def derivative(predict: Predict, batch: FieldBatch) -> ObjectiveValue:
            prediction = predict(batch)
            value = loss(prediction, batch)
            axes = [axis for axis, points in enumerate(batch.spec.grid.shape) if points > 1]
            slopes = [loss(*along(axis, prediction, batch)).total for axis in axes]
            if slopes:
                slope = torch.stack(slopes).mean()
                parts = {**value.parts, "derivative": slope.detach()}
                value = Loss(total=value.total + self.weight * slope, parts=parts)
            return ObjectiveValue(
                total=with_side_loss(value.total, prediction), loss=value, prediction=prediction
            )

        return derivative


def along(axis: int, prediction: Prediction, batch: FieldBatch) -> tuple[Prediction, FieldBatch]:
    """Differences of neighbors in the answer, and in what is known; around periodic axes.

    Args:
        axis: number of the space axis.
        prediction: of the batch.
        batch: with targets. Its typical changes are those of fields, and are left out.
    """
    assert batch.targets is not None
    wraps, place = batch.spec.grid.periodic[axis], axis - batch.spec.grid.num_axes

    def neighbors(values: Tensor) -> tuple[Tensor, Tensor]:
        if wraps:
            return values, values.roll(-1, place)
        points = values.shape[place] - 1
        return values.narrow(place, 0, points), values.narrow(place, 1, points)

    def difference(values: Tensor) -> Tensor:
        here, there = neighbors(values)
        return there - here

    valid = None
    if batch.valid is not None:
        here, there = neighbors(batch.valid)
        valid = here & there
    return replace(prediction, values=difference(prediction.values)), replace(
        batch,
        history=difference(batch.history),
        targets=difference(batch.targets),
        valid=valid,
        change=None,
    )
