"""A linear warm-up, then a straight line down."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from matey_core.schedules import SCHEDULES, ScheduleConfig
from matey_core.schedules._warmup import risen


@dataclass(frozen=True, slots=True, kw_only=True)
class LinearDecay:
    """From 1 % to 100 % over `warmup` steps, then straight down to `final`, and held there."""

    warmup: int
    steps: int
    final: float

    def __call__(self, step: int) -> float:
        """Fraction of the largest rate for the optimizer step that follows `step` others."""
        if step < self.warmup:
            return risen(step, self.warmup)
        done = min(1.0, (step - self.warmup) / max(1, self.steps - self.warmup))
        return 1 - (1 - self.final) * done


@SCHEDULES.register("linear")
class LinearDecayConfig(ScheduleConfig):
    """A linear warm-up from 1 % to 100 %, then a straight line down to the end."""

    name: Literal["linear"] = "linear"
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """Fraction of the steps over which the learning rate rises from 1 % to 100 %."""
    final: float = Field(default=0.01, gt=0, le=1)
    """Learning rate at the end, as a fraction of the largest."""

    def build(self, steps: int) -> LinearDecay:
        """Make the schedule of a training with so many steps."""
        return LinearDecay(warmup=round(self.warmup * steps), steps=steps, final=self.final)
