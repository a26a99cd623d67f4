"""Tiles of space come in another order, and the model says where each of them was.

Sorting in space, as in *Strategies for Pretraining Neural Operators* (TMLR 2024), whose 2×2 tiles
have 24 orders, which are classes there. Here, a place is a number along each axis. All frames are
cut alike: two tiles along each axis, four where there is one axis alone. The first tile stays.
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


@OBJECTIVES.register("space_sort")
class SpaceSortConfig(ObjectiveConfig):
    """The error of places of tiles; the best constant has 1."""

    name: Literal["space_sort"] = "space_sort"

    @property
    def predicts_states(self) -> bool:
        """Whether training teaches to predict: it does not."""
        return False

    @property
    def answers(self) -> tuple[str, ...]:
        """The place along each axis of space."""
        return names_of(self.name, 1, range(1, AXES))

    def check(self, windows: Windows) -> None:
        """Raise if the grid is too small."""
        counts = space_counts(windows.spec.grid)
        check_tiles(self.name, windows, math.prod(counts) - 1)

    def build(self, loss: LossFunction) -> Objective:
        """Make the objective; the loss of states is not used."""

        def space_sort(predict: Predict, batch: FieldBatch) -> ObjectiveValue:
            counts = (1, *space_counts(batch.spec.grid))
            return sort(self.name, predict, batch, counts, first_stays=True)

        return space_sort
