"""Blocks of space and time come in another order, and the model says where each of them was.

The jigsaw of *Strategies for Pretraining Neural Operators* (TMLR 2024), whose 2×2×2 blocks have
classes for 64 of their 40,320 orders. Here, all orders are drawn, and a place is a number along
time and each axis. Both halves of the history are cut as in `space_sort`. The first block stays.
"""

import math
from typing import Literal

from matey_core.batches import FieldBatch
from matey_core.data import Windows
from matey_core.losses import LossFunction
from matey_core.objectives import (
    OBJECTIVES,
    Objective,
    ObjectiveConfig,
    ObjectiveValue,
    Predict,
)
from matey_core.objectives._tiles import AXES, check_tiles, names_of, sort, space_counts

HALVES = 2


@OBJECTIVES.register("jigsaw")
class JigsawConfig(ObjectiveConfig):
    """The error of places of blocks; the best constant has 1."""

    name: Literal["jigsaw"] = "jigsaw"

    @property
    def predicts_states(self) -> bool:
        """Whether training teaches to predict: it does not."""
        return False

    @property
    def answers(self) -> tuple[str, ...]:
        """The place along time and each axis of space, of both halves of the history."""
        return names_of(self.name, HALVES, range(AXES))

    def check(self, windows: Windows) -> None:
        """Raise if the grid is too small."""
        counts = (min(HALVES, windows.history), *space_counts(windows.spec.grid))
        check_tiles(self.name, windows, math.prod(counts) - 1)

    def build(self, loss: LossFunction) -> Objective:
        """Make the objective; the loss of states is not used."""

        def jigsaw(predict: Predict, batch: FieldBatch) -> ObjectiveValue:
            frames = batch.history.shape[1]
            counts = (min(HALVES, frames), *space_counts(batch.spec.grid))
            return sort(self.name, predict, batch, counts, first_stays=True)

        return jigsaw
