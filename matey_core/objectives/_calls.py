"""What objectives share: one call of the model, and what several calls need."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.batches import FieldBatch, Prediction
from matey_core.losses import Loss, LossFunction
from matey_core.objectives import Objective, ObjectiveValue, Predict, with_side_loss


def call_once(loss: LossFunction) -> Objective:
    """Make the objective that takes the loss of one call, to all targets of a batch."""

    def called_once(predict: Predict, batch: FieldBatch) -> ObjectiveValue:
        prediction = predict(batch)
        value = loss(prediction, batch)
        return ObjectiveValue(
            total=with_side_loss(value.total, prediction), loss=value, prediction=prediction
        )

    return called_once


def one_by_one(batch: FieldBatch) -> list[FieldBatch]:
    """The batch with each of its targets alone."""
    assert batch.targets is not None
    return [
        replace(
            batch,
            targets=batch.targets[:, lead : lead + 1],
            lead_steps=batch.lead_steps[:, lead : lead + 1],
            valid=None if batch.valid is None else batch.valid[:, lead : lead + 1],
            change=None if batch.change is None else batch.change[:, lead : lead + 1],
        )
        for lead in range(batch.targets.shape[1])
    ]


def known(prediction: Prediction, target: FieldBatch) -> Float[Tensor, "b 1 c *space"]:
    """What was predicted; where nothing is known, what the data have there in a history."""
    if target.valid is None:
        return prediction.values
    assert target.targets is not None
    return torch.where(target.valid, prediction.values, target.targets)


def mean_of(losses: Sequence[Loss]) -> Loss:
    """Average losses and their parts."""
    return Loss(
        total=torch.stack([each.total for each in losses]).mean(),
        parts={
            name: torch.stack([each.parts[name] for each in losses]).mean()
            for name in losses[0].parts
        },
    )
