"""Several objectives at once: the sum of their losses, each with a weight.

Each term calls the model as it would alone. Terms that predict states need the same targets.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

import torch
from pydantic import Field, NonNegativeFloat, model_validator

from matey_core.batches import FieldBatch
from matey_core.config import Config
from matey_core.data import Windows
from matey_core.fields import GivenScale
from matey_core.losses import Loss, LossFunction
from matey_core.objectives import (
    OBJECTIVES,
    Objective,
    ObjectiveConfig,
    ObjectiveValue,
    Predict,
)

COMPARED = ((1, 2, 3), tuple(step / 20 for step in range(21)))
"""Lead times, and fractions of a training, at which terms are asked for their targets."""


class WeightedTerm(Config):
    """One of the objectives."""

    objective: ObjectiveConfig
    """The objective: its name, or a section with its settings."""
    weight: NonNegativeFloat = 1.0
    """What its loss is multiplied by."""


@OBJECTIVES.register("weighted")
class WeightedConfig(ObjectiveConfig):
    """The sum of the losses of several objectives."""

    name: Literal["weighted"] = "weighted"
    terms: tuple[WeightedTerm, ...] = Field(min_length=1)
    """The objectives and their weights."""

    @model_validator(mode="after")
    def _check_targets(self) -> "WeightedConfig":
        wanted: dict[object, str] = {}
        for each in self._predicting:
            leads = [each.lead_steps(lead, progress=p) for lead in COMPARED[0] for p in COMPARED[1]]
            wanted.setdefault((each.extra_frames, *leads), each.part)
        if len(wanted) > 1:
            raise ValueError(
                f"objectives that predict other frames cannot be weighted: "
                f"{' and '.join(wanted.values())}"
            )
        return self

    @property
    def _predicting(self) -> list[ObjectiveConfig]:
        return [each.objective for each in self.terms if each.objective.predicts_states]

    @property
    def predicts_states(self) -> bool:
        """Whether a term does."""
        return bool(self._predicting)

    @property
    def answers(self) -> tuple[str, ...]:
        """Those of all terms."""
        return tuple(dict.fromkeys(n for each in self.terms for n in each.objective.answers))

    @property
    def reads(self) -> tuple[str, ...]:
        """What any term does."""
        return tuple(dict.fromkeys(n for each in self.terms for n in each.objective.reads))

    @property
    def extra_frames(self) -> int:
        """Those of the terms that predict states."""
        return max((each.extra_frames for each in self._predicting), default=0)

    def lead_steps(self, lead: int, *, progress: float) -> tuple[int, ...]:
        """Those of the terms that predict states."""
        for each in self._predicting:
            return each.lead_steps(lead, progress=progress)
        return (lead,)

    def knowing(self, parameters: Sequence[str]) -> ObjectiveConfig:
        """Complete every term."""
        terms = tuple(
            each.model_copy(update={"objective": each.objective.knowing(parameters)})
            for each in self.terms
        )
        return self.model_copy(update={"terms": terms})

    def check(self, windows: Windows) -> None:
        """Raise if a term does."""
        for each in self.terms:
            each.objective.check(windows)

    def build(self, loss: LossFunction) -> Objective:
        """Make the objective for a loss."""
        return self.build_with(loss, {})

    def build_with(self, loss: LossFunction, scales: Mapping[str, GivenScale]) -> Objective:
        """Make the objective; it calls the model as often as all terms do."""
        objectives = [each.objective.build_with(loss, scales) for each in self.terms]
        weights = [each.weight for each in self.terms]

        def weighted(predict: Predict, batch: FieldBatch) -> ObjectiveValue:
            values = [objective(predict, batch) for objective in objectives]
            total, reported = (
                torch.stack([w * each for w, each in zip(weights, losses, strict=True)]).sum()
                for losses in ([v.total for v in values], [v.loss.total for v in values])
            )
            parts = {
                f"{number}.{each.objective.part}": value.loss.total.detach()
                for number, (each, value) in enumerate(zip(self.terms, values, strict=True), 1)
            }
            return ObjectiveValue(
                total=total,
                loss=Loss(total=reported, parts=parts),
                prediction=values[0].prediction,
            )

        return weighted
