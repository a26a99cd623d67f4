"""A training as it is watched: smoothed losses, rates, waiting and memory after every step."""

import math
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass

SMOOTHING, OF_STORE = 0.05, 0.2
"""Weight of the newest loss in the one that is shown, of all stores and of one; of the first
losses, the mean is shown."""
RECENT = 50
"""Steps that rates are means of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """How fast the last steps went, validations and checkpoints left out."""

    steps: float
    """Steps a second."""
    samples: float
    """Samples a second, over all processes."""
    tokens: float | None
    """Tokens a second, over all processes; None where no cells are cut."""
    waiting: float
    """Fraction of the time in which steps waited for data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStatus:
    """A training after one of its steps."""

    step: int
    steps: int
    """Steps of the whole training; where it has a time instead, the number expected."""
    store: str
    """Of the step's batch."""
    loss: float
    gradient_norm: float
    learning_rate: float
    is_skipped: bool
    smoothed: Mapping[str, float]
    """Store → smoothed loss; NaN before its first finite one."""
    smoothed_loss: float
    """Of all stores together."""
    rates: Rates
    memory: int
    """Bytes used at most: of tensors on a GPU, else of the process; by this process alone."""


OnStep = Callable[[StepStatus], None]


def ignore_step(status: StepStatus) -> None:
    """Default callback: does nothing."""


class Pacer:
    """Sums up the last steps."""

    def __init__(self) -> None:
        """Begin with no step."""
        self._recent: deque[tuple[float, float, int, float | None]] = deque(maxlen=RECENT)

    def add(self, seconds: float, waiting: float, samples: int, tokens: float | None) -> Rates:
        """Count a step and give the rates of the last ones.

        Args:
            seconds: that it took.
            waiting: seconds of these in which it waited for data.
            samples: of its batch.
            tokens: of its batch; None where no cells are cut.
        """
        self._recent.append((seconds, waiting, samples, tokens))
        total = max(sum(each[0] for each in self._recent), 1e-9)
        counts = [each[3] for each in self._recent if each[3] is not None]
        return Rates(
            steps=len(self._recent) / total,
            samples=sum(each[2] for each in self._recent) / total,
            tokens=sum(counts) / total if counts else None,
            waiting=sum(each[1] for each in self._recent) / total,
        )


class Smoother:
    """Smooths the losses of each store, and of all together."""

    def __init__(self) -> None:
        """Begin with no loss."""
        self.overall = math.nan
        self.by_store: dict[str, float] = {}
        self._counts: Counter[str] = Counter()

    def add(self, store: str, loss: float, *, is_skipped: bool) -> None:
        """Take in a loss.

        Args:
            store: whose batch it is of.
            loss: of the batch.
            is_skipped: whether the step changed nothing; then all stays as it is.
        """
        before = self.by_store.setdefault(store, math.nan)
        if not is_skipped:
            self._counts[store] += 1
            self.by_store[store] = _smoothed(before, loss, OF_STORE, self._counts[store])
            self.overall = _smoothed(self.overall, loss, SMOOTHING, self._counts.total())


def _smoothed(before: float, loss: float, weight: float, count: int) -> float:
    return loss if count == 1 else before + max(weight, 1 / count) * (loss - before)
