"""One call of the model, from the history straight to each sample's lead time."""

from typing import Literal

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


@OBJECTIVES.register("one_step")
class OneStepConfig(ObjectiveConfig):
    """The loss of one call of the model."""

    name: Literal["one_step"] = "one_step"

    def build(self, loss: LossFunction) -> Objective:
        """Make the objective for a loss."""

        def one_step(predict: Predict, batch: FieldBatch) -> ObjectiveValue:
            prediction = predict(batch)
            value = loss(prediction, batch)
            return ObjectiveValue(
                total=with_side_loss(value.total, prediction), loss=value, prediction=prediction
            )

        return one_step
