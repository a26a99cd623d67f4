"""All that changes while training."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from torch.optim import Optimizer

from matey_core.data import Ranges
from matey_core.finetuning import FinetuneModeConfig
from matey_core.models import AdapterBase, Blends, Model
from matey_core.schedules import Schedule
from matey_core.training.average import WeightAverage, evaluated, evaluates_others
from matey_core.training.time_budget import TimeBudget


@dataclass(slots=True, kw_only=True)
class TrainState:
    """A model, what optimizes it, and how far that has come."""

    model: Model
    optimizer: Optimizer
    schedule: Schedule
    mode: FinetuneModeConfig | None = None
    """What the model was prepared by; None where it is pretrained."""
    base: AdapterBase | None = None
    """What the weights are saved apart from; None where they are saved whole."""
    average: WeightAverage | None = None
    """Of the weights, to be scored and saved in their place; None where they are themselves."""
    step: int = 0
    """Batches seen, those without an update included."""
    skipped: int = 0
    """Batches without an update, because loss or gradient was not finite."""
    skipped_in_a_row: int = 0
    ranges: Ranges = field(default_factory=dict)
    """What the training data showed, of this run and those before it; empty until measured."""
    blends: Blends = field(default_factory=dict)
    """How much of a training-free fit goes into first frames, as the last best validation chose."""
    rollbacks: int = 0
    """How often training has gone back because it diverged."""
    time: TimeBudget | None = None
    """What the schedule follows; None where it follows the steps."""

    @property
    def rate_factor(self) -> float:
        """What learning rates are multiplied by: half after every rollback."""
        return 0.5**self.rollbacks

    @property
    def position(self) -> int:
        """Where the schedule is."""
        return self.step if self.time is None else self.time.position

    @property
    def evaluates_others(self) -> bool:
        """Whether other weights are scored and saved as the model than those that train."""
        return evaluates_others(self.optimizer, self.average)

    def evaluated(self) -> AbstractContextManager[None]:
        """Let the model have the weights that are scored and saved, until the block ends."""
        return evaluated(self.model, self.optimizer, self.average)
