"""Trainings that have a time instead of a number of steps: their pace, and their plan."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import TypeVar

import torch

from matey_core.data import Mixture
from matey_core.distributed import Strategy
from matey_core.models import Model
from matey_core.objectives import Objective, within
from matey_core.profiling.machine import synchronize
from matey_core.runs.settings import TrainingConfig
from matey_core.runs.sources import StoreWindows
from matey_core.runs.validation import rollout_frames
from matey_core.training import Precision, TimeBudget

AnyTraining = TypeVar("AnyTraining", bound=TrainingConfig)

ORDER = (2, 7, 4, 0, 5, 1, 6, 3)
"""Numbers of the batches that a pace is measured on; number i is that of share (i + ½) / 8."""
FEWEST = 2
PART = 0.01
"""Fraction of the time after which no further batch is measured."""
FORWARD = 1 / 3
"""Time of a prediction, in training steps; for a validation before any was measured."""
MINUTES_BY_DEVICE = {"cpu": 10.0, "cuda": 60.0}
"""Minutes of a training where nothing says how long it should be."""
SECONDS = 60
"""Of a minute."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimePlan:
    """What a time comes to, as measured before the first step."""

    minutes: float
    """Given for the whole training, earlier starts of the run included."""
    seconds_left: float
    """From now on."""
    steps: int
    """Expected number of steps of the whole training."""
    step_seconds: float
    """Mean time of a step."""
    size: str
    """The model, such as `ti (192×12, matey)`."""
    size_reason: str
    """Why it is of this size; empty where the settings say it."""
    ends_at: float
    """Seconds since 1970, UTC."""


def with_length(config: AnyTraining) -> AnyTraining:
    """Give a training minutes that suit its device, where its settings have no length.

    Steps or minutes that stand in the settings stay.
    """
    if config.model_fields_set & {"steps", "minutes"}:
        return config
    device = "cpu" if config.device == "cpu" or not torch.cuda.is_available() else "cuda"
    return config.model_copy(update={"minutes": MINUTES_BY_DEVICE[device]})


def time_budget(config: TrainingConfig, strategy: Strategy, *, began: float) -> TimeBudget | None:
    """The time that the settings give; None where they give steps.

    Args:
        config: settings.
        strategy: the processes.
        began: when the clock started, by `time.monotonic`.
    """
    if config.minutes is None:
        return None
    delay = max(1, config.workers)  # as many batches are read ahead
    return TimeBudget(config.minutes * SECONDS, strategy=strategy, delay=delay, began=began)


def plan_of(budget: TimeBudget, *, step: int, size: str, size_reason: str) -> TimePlan:
    """Say what a time comes to.

    Args:
        budget: begun, so that it knows the pace.
        step: steps taken by earlier starts.
        size: label of the model.
        size_reason: why it is of this size.
    """
    left = max(0.0, budget.seconds - budget.used)
    return TimePlan(
        minutes=budget.seconds / SECONDS,
        seconds_left=left,
        steps=budget.expected_steps(step),
        step_seconds=budget.step_seconds,
        size=size,
        size_reason=size_reason,
        ends_at=time.time() + left,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What steps are measured with."""

    model: Model
    """On the strategy's device; its weights stay what they are."""
    mixture: Mixture
    """Whose first batches are read; its position stays."""
    objective: Objective
    precision: Precision


def begin(
    budget: TimeBudget,
    measured: Measured,
    config: TrainingConfig,
    sources: Sequence[StoreWindows],
    *,
    step: int,
    strategy: Strategy,
) -> None:
    """Measure the pace, and tell the budget what a step and a validation will take.

    Args:
        budget: the time.
        measured: what is trained.
        config: settings.
        sources: with the windows to validate on.
        step: steps taken by earlier starts.
        strategy: the processes.
    """
    pace = measure_pace(measured, config, strategy)
    reserve = FORWARD * pace * _validation_calls(sources, config)
    budget.begin(step, reserve=reserve, step_seconds=pace)


def measure_pace(measured: Measured, config: TrainingConfig, strategy: Strategy) -> float:
    """Measure the mean time of a training step; called by all processes, the first one's counts.

    Gradients are computed and dropped. The batches are spread over the training, so that an
    objective which calls the model more often at its end counts so.

    Args:
        measured: what is trained.
        config: says how much time there is, and how the objective grows.
        strategy: the processes.

    Returns:
        Seconds.
    """
    model, mixture = measured.model, measured.mixture
    predict = within(model, [measured.precision.within(strategy.device)])

    def targets(lead: int, step: int) -> Sequence[int]:
        return config.objective.lead_steps(lead, progress=(step + 0.5) / len(ORDER))

    def timed(number: int) -> float:
        start = time.perf_counter()
        batch = mixture.batch(number).to(strategy.device)
        measured.objective(predict, batch).total.backward()
        model.zero_grad(set_to_none=True)
        synchronize(strategy.device)
        return time.perf_counter() - start

    own, mixture.targets = mixture.targets, targets
    enough = PART * SECONDS * (config.minutes or 0.0)
    times: list[float] = []
    model.train()
    try:
        timed(0)  # the first one is slower
        for number in ORDER:
            times.append(timed(number))
            if len(times) >= FEWEST and strategy.broadcast(sum(times)) > enough:
                break
    finally:
        mixture.targets = own
    return float(strategy.broadcast(fmean(times)))


def _validation_calls(sources: Sequence[StoreWindows], config: TrainingConfig) -> int:
    """How often a validation calls the model."""
    calls = 0
    for source in sources:
        if (windows := source.validation) is not None:
            batches = min(config.validation_batches, -(-len(windows) // config.batch_size))
            calls += len({1, windows.max_lead}) * batches + rollout_frames(windows)
    return calls
