"""One call of the model, from the history straight to each sample's lead time."""

from typing import Literal

from matey_core.losses import LossFunction
from matey_core.objectives import OBJECTIVES, Objective, ObjectiveConfig
from matey_core.objectives._calls import call_once


@OBJECTIVES.register("one_step")
class OneStepConfig(ObjectiveConfig):
    """The loss of one call of the model."""

    name: Literal["one_step"] = "one_step"

    def build(self, loss: LossFunction) -> Objective:
        """Make the objective for a loss."""
        return call_once(loss)
