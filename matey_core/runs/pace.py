"""How long a step of a training takes, measured before the first one."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from torch.optim import Optimizer

from matey_core.batches import FieldBatch
from matey_core.data import Mixture
from matey_core.distributed import Strategy
from matey_core.models import Model
from matey_core.objectives import Objective
from matey_core.profiling.machine import synchronize
from matey_core.runs.settings import TrainingConfig
from matey_core.training import Limits, Precision, TrainState, Within, train

ORDER = (2, 7, 4, 0, 5, 1, 6, 3)
"""Eighths of the training that steps are measured in; the first four are spread over all of it."""
FEWEST = 4
"""Steps that are measured at least, and one of every store, unless they take `MOST` of the time."""
ENOUGH, MOST = 0.01, 0.05
"""Fractions of the time after which no further step is measured."""
SECONDS = 60
"""Seconds of a minute."""
LOOK = 40
"""Batches a store that are searched for the batches of each store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What is timed."""

    model: Model
    """On the strategy's device; its weights stay what they are."""
    optimizer: Optimizer
    """Of this model, for the measurement alone: its state and its rates change."""
    mixture: Mixture
    """Whose batches are read; its position stays."""
    objective: Objective
    precision: Precision
    settings: Sequence[Within] = ()
    """What each step chooses for the model, such as a number of tokens."""


def measure_pace(
    measured: Measured, config: TrainingConfig, strategy: Strategy, *, rounds: int = 1
) -> float:
    """Measure the mean time of a training step; called by all processes, the first one's counts.

    Whole steps are taken, exchange of gradients and optimizer included, at a learning rate of 0.
    They are spread over the training, so that an objective which calls the model more often at
    its end counts so. Stores count as often as they are drawn. The first step is not counted.

    Args:
        measured: what is trained.
        config: says how much time there is, and how the objective grows.
        strategy: the processes.
        rounds: how often a step of every eighth and store is measured, at most.

    Returns:
        Seconds.
    """
    stopwatch = _Stopwatch(measured, config, strategy, rounds)
    train(
        TrainState(
            model=measured.model, optimizer=measured.optimizer, schedule=lambda position: 0.0
        ),
        stopwatch.batches(),
        measured.objective,
        strategy=strategy,
        precision=measured.precision,
        limits=Limits(gradient_norm=config.clip),
        after_step=stopwatch.stop,
        settings=measured.settings,
        accumulate=config.accumulate,
    )
    return float(strategy.broadcast(stopwatch.mean))


class _Stopwatch:
    """Hands out batches until enough steps were timed."""

    def __init__(
        self, measured: Measured, config: TrainingConfig, strategy: Strategy, rounds: int
    ) -> None:
        self._mixture, self._config, self._strategy = measured.mixture, config, strategy
        self._steps = _steps_by_store(measured.mixture)
        self._turns = rounds * len(ORDER)
        self._times: dict[int, list[float]] = {store: [] for store in self._steps}
        self._started = 0.0
        self._last = 0.0

    def batches(self) -> Iterator[FieldBatch]:
        """Give one batch of every store after another, a first one more."""
        stores = list(self._steps)
        yield self._begun(self._steps[stores[0]][0], ORDER[0])
        for turn in range(self._turns):
            for number, store in enumerate(stores):
                if self._is_enough():
                    return
                steps = self._steps[store]
                eighth = ORDER[(turn + number) % len(ORDER)]
                yield self._begun(steps[turn % len(steps)], eighth)
                self._times[store].append(self._last)

    def stop(self, state: TrainState, store: str, settle: Callable[[], None]) -> None:
        """Note when a step has ended."""
        synchronize(self._strategy.device)
        self._last = time.perf_counter() - self._started

    @property
    def mean(self) -> float:
        """Mean time of a step over the stores that were measured, in seconds."""
        times = {store: fmean(found) for store, found in self._times.items() if found}
        shares = {store: int(self._mixture.shares[store]) for store in times}
        total = sum(shares.values())
        return sum(shares[store] * seconds for store, seconds in times.items()) / total

    def _begun(self, step: int, eighth: int) -> FieldBatch:
        """Read a batch as in an eighth of the training; threads would have read it before."""
        own = self._mixture.targets
        self._mixture.targets = self._targets_in(eighth)
        self._started = time.perf_counter()
        try:
            batch = self._mixture.batch(step)
        finally:
            self._mixture.targets = own
        if self._config.workers:
            self._started = time.perf_counter()
        return batch

    def _targets_in(self, eighth: int) -> Callable[[int, int], Sequence[int]]:
        progress = (eighth + 0.5) / len(ORDER)
        return lambda lead, step: self._config.objective.lead_steps(lead, progress=progress)

    def _is_enough(self) -> bool:
        """Whether enough steps were timed, as all processes agree."""
        times = [seconds for found in self._times.values() for seconds in found]
        given = SECONDS * (self._config.minutes or 0.0)
        used = self._strategy.broadcast(sum(times))
        has_all = len(times) >= max(FEWEST, len(self._times))
        return bool(times) and used > (ENOUGH if has_all else MOST) * given


def _steps_by_store(mixture: Mixture) -> dict[int, list[int]]:
    """Find steps whose batches are of each store; very rare stores are left out."""
    found: dict[int, list[int]] = {}
    for step in range(LOOK * len(mixture.windows)):
        found.setdefault(mixture.draw(step).store, []).append(step)
    return found
