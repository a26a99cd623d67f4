"""How the model is called for a loss: the door of the family."""

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass
from typing import Any, ClassVar

from jaxtyping import Float
from torch import Tensor

from matey_core.batches import FieldBatch, Prediction
from matey_core.config import PartConfig
from matey_core.data import Windows
from matey_core.fields import GivenScale
from matey_core.losses import Loss, LossFunction
from matey_core.registry import Registry

Predict = Callable[[FieldBatch], Prediction]
"""The model, within the precision and the cells of a training step."""
Setting = Callable[[FieldBatch], AbstractContextManager[object]]
"""What holds while the model predicts a batch: its precision, how fields are cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveValue:
    """What an objective made of a batch."""

    total: Float[Tensor, ""]
    """To be minimized: the loss, and what the model minimizes beside it."""
    loss: Loss
    """To be reported."""
    prediction: Prediction
    """Of the last call."""


Objective = Callable[[Predict, FieldBatch], ObjectiveValue]
"""(model, batch with targets) → value, by one call of the model or several.

All processes call the model equally often, whatever is in their part of a batch.
"""

OBJECTIVES: Registry[type["ObjectiveConfig"]] = Registry(__name__)


class ObjectiveConfig(PartConfig):
    """Settings of an objective: which targets it needs, and how it calls the model."""

    family: ClassVar[Registry[Any]] = OBJECTIVES
    default: ClassVar[str] = "pushforward"

    @property
    def extra_frames(self) -> int:
        """Frames that a window needs behind the largest lead time."""
        return 0

    def lead_steps(self, lead: int, *, progress: float) -> tuple[int, ...]:
        """Lead steps of the targets that a sample needs.

        Args:
            lead: drawn for the sample, from 1 to the largest lead time.
            progress: fraction of the training steps that are done.

        Returns:
            (l,) steps from the last frame of the history; as many for every `lead`.
        """
        return (lead,)

    @property
    def predicts_states(self) -> bool:
        """Whether training teaches to predict; else no validation chooses among the weights."""
        return True

    @property
    def answers(self) -> tuple[str, ...]:
        """Names of what the model is asked for beside fields; `answer_name` makes them."""
        return ()

    @property
    def reads(self) -> tuple[str, ...]:
        """Names of the stores' parameters that the objective reads in `FieldBatch.given`.

        The model is not given them. A batch of a store without a parameter does not have its name.
        """
        return ()

    def knowing(self, parameters: Sequence[str]) -> "ObjectiveConfig":
        """The same settings, completed by the names of the parameters that stores have."""
        return self

    def check(self, windows: Windows) -> None:
        """Raise if a store does not have what the objective needs.

        Args:
            windows: of the store, for training.

        Raises:
            ConfigError: says what is missing.
        """

    @abstractmethod
    def build(self, loss: LossFunction) -> Objective:
        """Make the objective for a loss."""

    def build_with(self, loss: LossFunction, scales: Mapping[str, GivenScale]) -> Objective:
        """Make the objective for a loss and stores.

        Args:
            loss: of predicted states.
            scales: of what the objective `reads`, by the trajectories that train.
        """
        return self.build(loss)


def within(model: Predict, settings: Sequence[Setting]) -> Predict:
    """Let every call of a model be within some settings, the loss outside of them."""

    def predict(batch: FieldBatch) -> Prediction:
        with ExitStack() as stack:
            for setting in settings:
                stack.enter_context(setting(batch))
            return model(batch)

    return predict


def with_side_loss(loss: Float[Tensor, ""], prediction: Prediction) -> Float[Tensor, ""]:
    """Add what the model minimizes beside the loss, if there is anything."""
    return loss if prediction.side_loss is None else loss + prediction.side_loss
