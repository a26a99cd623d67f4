"""The frames of a history come in another order, and the model says which of them was the last.

Sorting in time, as in *Strategies for Pretraining Neural Operators* (TMLR 2024), for models that
predict states: which order it was need not be a class with a head of its own. No frame behind the
history is used. The order is drawn as patches of `masked` are.
"""

from dataclasses import replace
from typing import Literal

import torch

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


@OBJECTIVES.register("time_sort")
class TimeSortConfig(ObjectiveConfig):
    """The loss of the last frame of a history that is shown in another order."""

    name: Literal["time_sort"] = "time_sort"

    @property
    def predicts_states(self) -> bool:
        """Whether training teaches to predict: the answer is a frame of the history."""
        return False

    def build(self, loss: LossFunction) -> Objective:
        """Make the objective for a loss."""

        def time_sort(predict: Predict, batch: FieldBatch) -> ObjectiveValue:
            assert batch.targets is not None
            order = drawn(batch, batch.history.shape[1]).argsort(dim=1)
            samples = torch.arange(batch.size, device=order.device).unsqueeze(1)
            prediction = predict(replace(batch, history=batch.history[samples, order]))
            last = batch.history[:, -1:].expand_as(batch.targets)
            value = loss(prediction, replace(batch, targets=last))
            return ObjectiveValue(
                total=with_side_loss(value.total, prediction), loss=value, prediction=prediction
            )

        return time_sort
