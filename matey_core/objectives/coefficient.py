"""The model says what the parameters of a window's equation are.

The coefficient task of *Strategies for Pretraining Neural Operators* (TMLR 2024). Parameters are
scaled as those that a model is given: by the logarithm where they are positive, in units of their
spread. So the best constant has a loss of 1. Answers are means over the grid. A model that is
otherwise given such a parameter is not given it here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.data import Windows
from matey_core.errors import ConfigError
from matey_core.fields import GivenScale, answer_name
from matey_core.losses import LossFunction
from matey_core.objectives import (
    OBJECTIVES,
    Objective,
    ObjectiveConfig,
    ObjectiveValue,
    Predict,
)
from matey_core.objectives._answers import answered, ask


@OBJECTIVES.register("coefficient")
class CoefficientConfig(ObjectiveConfig):
    """The mean square error of parameters; those that a sample does not have do not count."""

    name: Literal["coefficient"] = "coefficient"
    parameters: tuple[str, ...] = ()
    """Names of parameters that the model says, instead of all that a store has."""

    @property
    def predicts_states(self) -> bool:
        """Whether training teaches to predict: it does not."""
        return False

    @property
    def reads(self) -> tuple[str, ...]:
        """The parameters."""
        return self.parameters

    @property
    def answers(self) -> tuple[str, ...]:
        """One for each parameter."""
        return tuple(answer_name(f"{self.name}_{each}") for each in self.parameters)

    def knowing(self, parameters: Sequence[str]) -> ObjectiveConfig:
        """Take all parameters that stores have, unless some are named."""
        return self.model_copy(update={"parameters": self.parameters or tuple(parameters)})

    def check(self, windows: Windows) -> None:
        """Raise if there is nothing to ask for."""
        if not self.parameters:
            raise ConfigError(
                "The objective coefficient asks for parameters, and no store has any.",
                remedy="Prepare stores with parameters, or choose another --objective.",
            )

    def build(self, loss: LossFunction) -> Objective:
        """Make the objective for parameters of order one."""
        return self.build_with(loss, {})

    def build_with(self, loss: LossFunction, scales: Mapping[str, GivenScale]) -> Objective:
        """Make the objective; the loss of states is not used."""
        names = self.parameters

        def coefficient(predict: Predict, batch: FieldBatch) -> ObjectiveValue:
            found = [name for name in names if name in batch.given]
            hidden = {name: torch.full_like(batch.given[name], torch.nan) for name in found}
            asked = replace(batch, given={**batch.given, **hidden})
            said = ask(predict, asked, self.answers)
            error = (0.0 * said.pooled).sum()
            for name in found:
                value = _scaled(batch.given[name], scales.get(name, GivenScale()))
                is_known = value.isfinite()
                apart = said.pooled[:, names.index(name)] - value.where(is_known, 0.0)
                error = error + (apart.square() * is_known).mean() / len(found)
            return answered(self.name, error, said.prediction)

        return coefficient


def _scaled(values: Float[Tensor, " b"], scale: GivenScale) -> Float[Tensor, " b"]:
    values = values.float()
    return ((values.log() if scale.is_log else values) - scale.center) / scale.spread
