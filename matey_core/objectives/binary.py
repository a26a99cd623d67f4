"""Half of the histories come in another order, and the model says which.

The binary task of *Strategies for Pretraining Neural Operators* (TMLR 2024), without its schedule
of difficulty: all frames may move. The answer is a mean over the grid. A model that does not look
has a cross-entropy of log 2. Histories and orders are drawn as patches of `masked` are.
"""

from dataclasses import replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from matey_core.batches import FieldBatch
from matey_core.data import Windows
from matey_core.errors import ConfigError
from matey_core.fields import answer_name
from matey_core.losses import LossFunction
from matey_core.objectives import (
    OBJECTIVES,
    Objective,
    ObjectiveConfig,
    ObjectiveValue,
    Predict,
)
from matey_core.objectives._answers import answered, ask
from matey_core.objectives._drawn import drawn


@OBJECTIVES.register("binary")
class BinaryConfig(ObjectiveConfig):
    """The cross-entropy of whether the frames of a history are in order."""

    name: Literal["binary"] = "binary"

    @property
    def predicts_states(self) -> bool:
        """Whether training teaches to predict: it does not."""
        return False

    @property
    def answers(self) -> tuple[str, ...]:
        """One: above 0 where frames are shuffled."""
        return (answer_name(self.name),)

    def check(self, windows: Windows) -> None:
        """Raise if a history has one frame."""
        if windows.history < 2:
            raise ConfigError(
                "The objective binary shuffles the frames of a history, which has one.",
                remedy="Use a longer --history, or another --objective.",
            )

    def build(self, loss: LossFunction) -> Objective:
        """Make the objective; the loss of states is not used."""

        def binary(predict: Predict, batch: FieldBatch) -> ObjectiveValue:
            history, is_shuffled = half_shuffled(batch)
            said = ask(predict, replace(batch, history=history), self.answers)
            entropy = binary_cross_entropy_with_logits(said.pooled[:, 0], is_shuffled)
            return answered(self.name, entropy, said.prediction)

        return binary


def half_shuffled(
    batch: FieldBatch,
) -> tuple[Float[Tensor, "b t c *space"], Float[Tensor, " b"]]:
    """Put the frames of about half of the samples into another order.

    Returns:
        Histories, and 1 for each that was shuffled, else 0.
    """
    frames = batch.history.shape[1]
    numbers = drawn(batch, 1 + frames)
    is_shuffled = numbers[:, :1] % 2 == 1
    as_it_was = torch.arange(frames, device=numbers.device)
    order = numbers[:, 1:].argsort(1)
    order = torch.where((order == as_it_was).all(1, keepdim=True), as_it_was.flip(0), order)
    order = torch.where(is_shuffled, order, as_it_was)
    samples = torch.arange(batch.size, device=order.device).unsqueeze(1)
    return batch.history[samples, order], is_shuffled[:, 0].float()
