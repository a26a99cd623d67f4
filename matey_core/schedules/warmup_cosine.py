"""A linear warm-up, then half a cosine."""

import math
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from matey_core.schedules import SCHEDULES, ScheduleConfig
from matey_core.schedules._warmup import LOWEST, risen


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmupCosine:
    """From 1 % to 100 % over `warmup` steps, then on a cosine back to 1 %, and held there."""

    warmup: int
    steps: int

    def __call__(self, step: int) -> float:
        """Fraction of the largest rate for the optimizer step that follows `step` others."""
        if step < self.warmup:
            return risen(step, self.warmup)
        done = min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))
        return LOWEST + (1 - LOWEST) * (1 + math.cos(math.pi * done)) / 2


@SCHEDULES.register("warmup_cosine")
class WarmupCosineConfig(ScheduleConfig):
    """A linear warm-up from 1 % to 100 %, then half a cosine back to 1 %."""

    name: Literal["warmup_cosine"] = "warmup_cosine"
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """Fraction of the steps over which the learning rate rises from 1 % to 100 %."""

    def build(self, steps: int) -> WarmupCosine:
        """Make the schedule of a training with so many steps."""
        return WarmupCosine(warmup=round(self.warmup * steps), steps=steps)
