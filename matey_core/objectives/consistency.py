"""Two ways to one state: straight there, and by a step of one frame before.

The flow of a physical system is a semigroup: S(s + t) = S(t) S(s). A model is asked for frame 1,
from its answer for frame 1 + l, and straight for frame 1 + l. All three answers are compared with
the data; the straight one is also compared with the other, as far as that goes. The gradient
passes through the last call of each way.
"""

from dataclasses import replace
from typing import Literal

import torch
from pydantic import NonNegativeFloat

from matey_core.batches import FieldBatch
from matey_core.losses import Loss, LossFunction
from matey_core.objectives import (
    OBJECTIVES,
    Objective,
    ObjectiveConfig,
    ObjectiveValue,
    Predict,
    with_side_loss,
)
from matey_core.objectives._calls import known, mean_of, one_by_one


@OBJECTIVES.register("consistency")
class ConsistencyConfig(ObjectiveConfig):
    """The loss of two ways to one state, and how far they lead apart."""

    name: Literal["consistency"] = "consistency"
    weight: NonNegativeFloat = 0.5
    """What the distance between both ways counts, beside the mean loss of the answers."""

    @property
    def extra_frames(self) -> int:
        """The frame that is stepped on before."""
        return 1

    def lead_steps(self, lead: int, *, progress: float) -> tuple[int, ...]:
        """The first frame, and the one that is `lead` frames behind it."""
        return (1, 1 + lead)

    def build(self, loss: LossFunction) -> Objective:
        """Make the objective; it calls the model three times for a batch."""

        def consistency(predict: Predict, batch: FieldBatch) -> ObjectiveValue:
            first, far = one_by_one(batch)
            near = predict(first)
            history = torch.cat([batch.history[:, 1:], known(near, first).detach()], 1)
            stepped = predict(replace(far, history=history, lead_steps=far.lead_steps - 1))
            straight = predict(far)
            answers = ((near, first), (stepped, far), (straight, far))
            value = mean_of([loss(answer, target) for answer, target in answers])
            apart = loss(straight, replace(far, targets=known(stepped, far).detach())).total
            total = value.total + self.weight * apart
            value = Loss(total=total, parts={**value.parts, "apart": apart.detach()})
            side = [with_side_loss(total.new_zeros(()), answer) for answer, _ in answers]
            return ObjectiveValue(
                total=total + torch.stack(side).mean(), loss=value, prediction=straight
            )

        return consistency
