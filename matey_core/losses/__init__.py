"""What an error is: the door of the family."""

from abc import abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor

from matey_core.batches import FieldBatch, Prediction
from matey_core.config import PartConfig
from matey_core.losses._means import (
    history_size,
    over_samples,
    over_space,
    squared_error,
    squared_size,
)
from matey_core.registry import Registry


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A scalar to minimize, and figures that are worth a look beside it."""

    total: Float[Tensor, ""]
    parts: Mapping[str, Float[Tensor, ""]]
    """Named scalars without a gradient."""


LossFunction = Callable[[Prediction, FieldBatch], Loss]
"""(prediction, batch with targets) → loss: a mean over samples, lead times and fields.

Every sample has the same weight, whatever the other samples are, so that the mean over
equal parts of a batch is the loss of the batch. Cells outside `batch.valid` count for
nothing, and fields of which nothing is known are left out of a sample's mean.
"""

LOSSES: Registry[type["LossConfig"]] = Registry(__name__)


class LossConfig(PartConfig):
    """Settings of a loss."""

    family: ClassVar[Registry[Any]] = LOSSES
    default: ClassVar[str] = "change"
    needs_change: ClassVar[bool] = False
    """Whether training shall measure `FieldBatch.change` for it."""

    @abstractmethod
    def build(self) -> LossFunction:
        """Make the loss."""


__all__ = [
    "LOSSES",
    "Loss",
    "LossConfig",
    "LossFunction",
    "history_size",
    "over_samples",
    "over_space",
    "squared_error",
    "squared_size",
]
