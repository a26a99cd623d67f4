"""Trainings that have a time instead of a number of steps: their plan."""

import time
from dataclasses import dataclass
from typing import TypeVar

import torch

from matey_core.distributed import Strategy
from matey_core.runs.pace import SECONDS, Measured, measure_pace
from matey_core.runs.settings import TrainingConfig
from matey_core.runs.validation import Validator
from matey_core.training import TimeBudget

AnyTraining = TypeVar("AnyTraining", bound=TrainingConfig)

MINUTES_BY_DEVICE = {"cpu": 10.0, "cuda": 60.0}
"""Minutes of a training where nothing says how long it should be."""


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
    validations: int
    """Expected number of validations from now on, the last one included; 0 without such data."""
    validation_seconds: float
    """Expected time of a validation."""
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
    return TimeBudget(
        config.minutes * SECONDS,
        strategy=strategy,
        delay=delay,
        validate_every=config.validate_every,
        began=began,
    )


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
        validations=budget.expected_validations(step),
        validation_seconds=budget.reserve,
        size=size,
        size_reason=size_reason,
        ends_at=time.time() + left,
    )


def begin(
    budget: TimeBudget,
    measured: Measured,
    config: TrainingConfig,
    validator: Validator,
    strategy: Strategy,
    *,
    step: int,
    validates_first: bool,
) -> None:
    """Measure what a step and a validation will take, and start to count steps.

    What needs no training is scored here already: it takes its time once.

    Args:
        budget: the time.
        measured: what is trained.
        config: settings.
        validator: what it is validated on.
        strategy: the processes.
        step: steps taken by earlier starts.
        validates_first: whether there is a validation before the first step.
    """
    pace = measure_pace(measured, config, strategy)
    reserve = 0.0
    if strategy.computes_for_first:
        validator.score_forecasts()
        reserve = validator.expected_seconds(measured.model, measured.precision)
    budget.begin(
        step,
        reserve=strategy.broadcast(reserve),
        step_seconds=pace,
        validates_first=validates_first,
    )
