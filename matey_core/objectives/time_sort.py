"""The frames of a history come in another order, and the model says which it was.

Sorting in time, as in *Strategies for Pretraining Neural Operators* (TMLR 2024). Either the model
says what the last frame is, as it says what a state is; so it learns to copy a frame. Or it says
the places of groups of frames, which are classes there and numbers here. No frame behind the
history is used. The order is drawn as patches of `masked` are.
"""

from dataclasses import replace
from typing import Literal

import torch

from matey_core.batches import FieldBatch
from matey_core.data import Windows
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
from matey_core.objectives._tiles import check_tiles, names_of, sort

GROUPS = 4
"""Most groups of frames; a shorter history has as many as it has frames."""


@OBJECTIVES.register("time_sort")
class TimeSortConfig(ObjectiveConfig):
    """The loss of what the order of a history was."""

    name: Literal["time_sort"] = "time_sort"
    answer: Literal["frame", "places"] = "frame"
    """What the model says: the last frame itself (`frame`), or the places in time of up to four
    groups of frames (`places`), of which the best constant has a loss of 1."""

    @property
    def predicts_states(self) -> bool:
        """Whether training teaches to predict: the answer is of the history."""
        return False

    @property
    def answers(self) -> tuple[str, ...]:
        """The place in time of each group."""
        return names_of(self.name, GROUPS, range(1)) if self.answer == "places" else ()

    def check(self, windows: Windows) -> None:
        """Raise if a history has one frame, whose place is known."""
        if self.answer == "places":
            check_tiles(self.name, windows, windows.history)

    def build(self, loss: LossFunction) -> Objective:
        """Make the objective for a loss."""

        def last_frame(predict: Predict, batch: FieldBatch) -> ObjectiveValue:
            assert batch.targets is not None
            order = drawn(batch, batch.history.shape[1]).argsort(dim=1)
            samples = torch.arange(batch.size, device=order.device).unsqueeze(1)
            prediction = predict(replace(batch, history=batch.history[samples, order]))
            last = batch.history[:, -1:].expand_as(batch.targets)
            value = loss(prediction, replace(batch, targets=last))
            return ObjectiveValue(
                total=with_side_loss(value.total, prediction), loss=value, prediction=prediction
            )

        def places(predict: Predict, batch: FieldBatch) -> ObjectiveValue:
            groups = min(GROUPS, batch.history.shape[1])
            counts = (groups, *(1,) * batch.spec.grid.num_axes)
            return sort(self.name, predict, batch, counts, first_stays=False)

        return last_frame if self.answer == "frame" else places
