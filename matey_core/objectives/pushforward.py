"""Several calls of the model, each on the prediction of the call before.

With n calls and a lead time l, the first n − 1 calls go one frame ahead each, and the last
one goes l frames: the target is n − 1 + l frames behind the history. n grows while training,
so that a model which cannot yet make one step is not asked for several. A gradient through
the last call only teaches a model to withstand its own errors (Brandstetter, Worrall &
Welling 2022, section 3.1); through all calls, it also teaches the earlier ones to make
errors that do not grow.
"""

import math
from contextlib import nullcontext
from dataclasses import replace
from typing import Literal

import torch
from pydantic import Field, PositiveInt, model_validator
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.losses import Loss, LossFunction
from matey_core.objectives import (
    OBJECTIVES,
    Objective,
    ObjectiveConfig,
    ObjectiveValue,
    Predict,
    with_side_loss,
)
from matey_core.objectives._calls import known, mean_of, one_by_one


@OBJECTIVES.register("pushforward")
class PushforwardConfig(ObjectiveConfig):
    """The loss after several calls of the model, each on the prediction of the call before."""

    name: Literal["pushforward"] = "pushforward"
    horizon: PositiveInt = 3
    """Number of calls of the model at the end of the training."""
    grow_from: float = Field(default=0.6, ge=0, le=1)
    """Fraction of the training steps with one call; the number of calls then grows."""
    grow_until: float = Field(default=0.8, ge=0, le=1)
    """Fraction of the training steps after which all calls are made."""
    gradient: Literal["last", "all"] = "last"
    """Calls that the gradient passes through: the last one (`last`), or all (`all`)."""
    frames: Literal["last", "each"] = "last"
    """Frames that the loss is taken over: the last call's (`last`), or the mean over every call's
    (`each`)."""

    @model_validator(mode="after")
    def _check_growth(self) -> "PushforwardConfig":
        if self.grow_from > self.grow_until:
            raise ValueError(
                f"grow_from should be at most grow_until, not {self.grow_from} and "
                f"{self.grow_until}"
            )
        return self

    @property
    def extra_frames(self) -> int:
        """Frames that all calls but the last one go ahead."""
        return self.horizon - 1

    def lead_steps(self, lead: int, *, progress: float) -> tuple[int, ...]:
        """One target a call: 1, 2, …, n − 1 and n − 1 + `lead`."""
        before = self._calls(progress) - 1
        return (*range(1, before + 1), before + lead)

    def build(self, loss: LossFunction) -> Objective:
        """Make the objective; it calls the model once for each target of a batch."""

        def pushforward(predict: Predict, batch: FieldBatch) -> ObjectiveValue:
            targets = one_by_one(batch)
            history, losses, totals = batch.history, list[Loss](), list[Tensor]()
            for number, target in enumerate(targets):
                counts = self.frames == "each" or number == len(targets) - 1
                with nullcontext() if counts or self.gradient == "all" else torch.no_grad():
                    lead_steps = target.lead_steps - number
                    prediction = predict(replace(target, history=history, lead_steps=lead_steps))
                if counts:
                    losses.append(loss(prediction, target))
                    totals.append(with_side_loss(losses[-1].total, prediction))
                frame = known(prediction, target)
                frame = frame if self.gradient == "all" else frame.detach()
                history = torch.cat([history[:, 1:], frame], 1)
            return ObjectiveValue(
                total=torch.stack(totals).mean(), loss=mean_of(losses), prediction=prediction
            )

        return pushforward

    def _calls(self, progress: float) -> int:
        """Calls of the model at a fraction of the training; they grow evenly."""
        if progress >= self.grow_until:
            return self.horizon
        if progress < self.grow_from:
            return 1
        grown = (progress - self.grow_from) / (self.grow_until - self.grow_from)
        return 1 + math.floor(grown * (self.horizon - 1))
