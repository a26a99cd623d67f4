"""One call of the model, from the history straight to a frame that is far ahead.

The default task of *Strategies for Pretraining Neural Operators* (TMLR 2024), which goes from
frames 0–7 to frame 31 at once. It is the same for every sample, whatever lead time is drawn.
"""

from typing import Literal

from pydantic import PositiveInt

from matey_core.losses import LossFunction
from matey_core.objectives import OBJECTIVES, Objective, ObjectiveConfig
from matey_core.objectives._calls import call_once


@OBJECTIVES.register("fixed_future")
class FixedFutureConfig(ObjectiveConfig):
    """The loss of one call of the model, always for the same lead time."""

    name: Literal["fixed_future"] = "fixed_future"
    ahead: PositiveInt = 8
    """Frames from the last one of the history to the one that is predicted."""

    @property
    def extra_frames(self) -> int:
        """Frames that the target may lie behind a lead time of 1."""
        return self.ahead - 1

    def lead_steps(self, lead: int, *, progress: float) -> tuple[int, ...]:
        """The same for every sample."""
        return (self.ahead,)

    def build(self, loss: LossFunction) -> Objective:
        """Make the objective for a loss."""
        return call_once(loss)
