"""How the learning rate changes while training: the door of the family."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

from matey_core.config import PartConfig
from matey_core.registry import Registry

Schedule = Callable[[int], float]
"""Optimizer steps taken → learning rate of the next one, as a fraction of the largest.

A function of the step alone, so that a checkpoint has nothing to keep of it.
"""

SCHEDULES: Registry[type["ScheduleConfig"]] = Registry(__name__)


class ScheduleConfig(PartConfig):
    """Settings of a schedule."""

    family: ClassVar[Registry[Any]] = SCHEDULES
    default: ClassVar[str] = "warmup_cosine"

    @abstractmethod
    def build(self, steps: int) -> Schedule:
        """Make the schedule of a training with so many steps."""
