"""Warm-up, a long stable phase, and a short decay (Hu et al. 2024, Hägele et al. 2024)."""

import math
from dataclasses import dataclass
from typing import Literal, Self

from pydantic import Field, model_validator

from matey_core.schedules import SCHEDULES, ScheduleConfig
from matey_core.schedules._warmup import risen


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmupStableDecay:
    """From 1 % to 100 % over `warmup` steps, held, then down to `final` over the last `decay`."""

    warmup: int
    steps: int
    decay: int
    shape: Literal["sqrt", "linear"]
    final: float

    def __call__(self, step: int) -> float:
        """Fraction of the largest rate for the optimizer step that follows `step` others."""
        if step < self.warmup:
            return risen(step, self.warmup)
        done = min(1.0, max(0, step - (self.steps - self.decay)) / max(1, self.decay))
        return 1 - (1 - self.final) * (math.sqrt(done) if self.shape == "sqrt" else done)


@SCHEDULES.register("wsd")
class WsdConfig(ScheduleConfig):
    """A linear warm-up from 1 % to 100 %, a stable phase, and a decay over the last steps.

    A training that is stopped before its decay can be made longer without loss: the rate has been
    the largest so far, whatever the length was to be.
    """

    name: Literal["wsd"] = "wsd"
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """Fraction of the steps over which the learning rate rises from 1 % to 100 %."""
    decay: float = Field(default=0.2, ge=0, lt=1)
    """Fraction of the steps, at the end, over which the learning rate falls."""
    shape: Literal["sqrt", "linear"] = "sqrt"
    """Shape of the decay: after the fraction s of it the rate has fallen by √s, or by s."""
    final: float = Field(default=0.01, gt=0, le=1)
    """Learning rate at the end, as a fraction of the largest."""

    @model_validator(mode="after")
    def _check_phases(self) -> Self:
        if self.warmup + self.decay > 1:
            raise ValueError(
                f"warmup + decay is {self.warmup + self.decay:g}; together they are 1 at most"
            )
        return self

    def build(self, steps: int) -> WarmupStableDecay:
        """Make the schedule of a training with so many steps."""
        warmup = round(self.warmup * steps)
        return WarmupStableDecay(
            warmup=warmup,
            steps=steps,
            decay=min(round(self.decay * steps), steps - warmup),
            shape=self.shape,
            final=self.final,
        )
