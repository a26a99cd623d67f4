"""What pretext tasks share: a model is asked for more than fields, which it is not shown.

An answer is one more field of the model, with rows of its own in the head. What stands for its
history counts the frames, whatever the data are. So a stem is shown what it would be shown without
answers, and what a head gives for a field of order one is an answer of order one.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.batches import FieldBatch, Prediction
from matey_core.fields import Field
from matey_core.losses import Loss
from matey_core.objectives import ObjectiveValue, Predict, with_side_loss


class Answered(NamedTuple):
    """What a model says when it is asked."""

    answers: Float[Tensor, "b a *space"]
    """Of order one, at every point."""
    prediction: Prediction
    """Of the call: fields and answers."""

    @property
    def pooled(self) -> Float[Tensor, "b a"]:
        """Means over the grid."""
        return self.answers.flatten(2).mean(2)


def ask(predict: Predict, batch: FieldBatch, names: Sequence[str]) -> Answered:
    """Call a model once.

    Args:
        predict: the model.
        batch: of windows; of its lead times, the first one is taken.
        names: of the answers, which the model knows.
    """
    size, frames, fields, *space = batch.history.shape
    count = torch.arange(float(frames), device=batch.history.device)
    count = count.view(1, -1, 1, *(1,) * len(space)).expand(size, -1, len(names), *space)
    prediction = predict(
        replace(
            batch,
            spec=replace(
                batch.spec, fields=(*batch.spec.fields, *(Field(name=name) for name in names))
            ),
            history=torch.cat([batch.history, count.to(batch.history)], 2),
            lead_steps=batch.lead_steps[:, :1],
            targets=None,
            valid=None,
            change=None,
        )
    )
    change = prediction.values[:, 0, fields:].float() - (frames - 1)
    lead = batch.lead_steps[:, :1].view(size, *(1,) * (1 + len(space)))
    trend = min(frames - 1, 1)  # what models begin with
    return Answered(change / lead - trend, prediction)


def answered(name: str, loss: Float[Tensor, ""], prediction: Prediction) -> ObjectiveValue:
    """Report the loss of answers."""
    return ObjectiveValue(
        total=with_side_loss(loss, prediction),
        loss=Loss(total=loss, parts={name: loss.detach()}),
        prediction=prediction,
    )
