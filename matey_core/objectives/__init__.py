"""What training minimizes: the door of the family."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor

from matey_core.batches import FieldBatch, Prediction
from matey_core.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """What is minimized, and figures that are worth a look beside it."""

    total: Float[Tensor, ""]
    parts: Mapping[str, Float[Tensor, ""]]
    """Named scalars without a gradient."""


Objective = Callable[[Prediction, FieldBatch], Loss]
"""(prediction, batch with targets) → loss: a mean over samples, lead times and fields.

Every sample has the same weight, whatever the other samples are, so that the mean over
equal parts of a batch is the loss of the batch. Cells outside `batch.valid` count for
nothing, and fields of which nothing is known are left out of a sample's mean.
"""

OBJECTIVES: Registry[Objective] = Registry(__name__)

__all__ = ["OBJECTIVES", "Loss", "Objective"]
