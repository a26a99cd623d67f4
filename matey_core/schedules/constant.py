"""A linear warm-up, then the largest rate to the end."""

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from matey_core.schedules import SCHEDULES, ScheduleConfig
from matey_core.schedules._warmup import risen


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantRate:
    """From 1 % to 100 % over `warmup` steps, and held there."""

    warmup: int

    def __call__(self, step: int) -> float:
        """Fraction of the largest rate for the optimizer step that follows `step` others."""
        return risen(step, self.warmup)


@SCHEDULES.register("constant")
class ConstantConfig(ScheduleConfig):
    """A linear warm-up from 1 % to 100 %, which is held to the end.

    The length of the training does not enter after the warm-up, so that a training which is made
    longer goes on as if it had been longer from the start.
    """

    name: Literal["constant"] = "constant"
    warmup: float = Field(default=0.05, ge=0, lt=1)
    """Fraction of the steps over which the learning rate rises from 1 % to 100 %."""

    def build(self, steps: int) -> ConstantRate:
        """Make the schedule of a training with so many steps."""
        return ConstantRate(warmup=round(self.warmup * steps))
