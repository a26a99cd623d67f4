"""How many steps a training has, how long it takes, and what it sees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matey_core.distributed import Strategy
from matey_core.planning.settings import PlanConfig
from matey_core.runs.pace import SECONDS
from matey_core.runs.start import StoreFacts
from matey_core.runs.stopping import HOUR
from matey_core.training import TimeBudget


@dataclass(frozen=True, slots=True, kw_only=True)
class Length:
    """Steps and time of a training."""

    steps: int
    validations: int
    hours: float


def length_of(
    config: PlanConfig, strategy: Strategy, *, step_seconds: float, validation_seconds: float
) -> Length:
    """Count steps and hours: minutes buy steps, and steps take hours.

    Args:
        config: has steps or minutes.
        strategy: one process.
        step_seconds: of a step.
        validation_seconds: of a validation.
    """
    if config.minutes is None:
        validations = sum(config.is_validation(step) for step in range(1, config.steps + 1))
        seconds = config.steps * step_seconds + validations * validation_seconds
        return Length(steps=config.steps, validations=validations, hours=seconds / HOUR)
    budget = TimeBudget(
        config.minutes * SECONDS, strategy=strategy, validate_every=config.validate_every
    )
    budget.begin(0, reserve=validation_seconds, step_seconds=step_seconds)
    return Length(
        steps=budget.expected_steps(0),
        validations=budget.expected_validations(0),
        hours=config.minutes * SECONDS / HOUR,
    )


def seen(
    config: PlanConfig, stores: Sequence[StoreFacts], weights: Mapping[str, float], steps: int
) -> tuple[int, float | None]:
    """Count the windows and tokens that a training sees.

    Args:
        config: says how large a batch is.
        stores: what it trains on.
        weights: name of a store -> its share of the steps.
        steps: how many.

    Returns:
        Windows, and tokens of all frames of their histories; None where no cells are cut.
    """
    samples = steps * config.batch_size
    mean = 0.0
    for store in stores:
        if store.tokens is None:
            return samples, None
        mean += weights.get(store.name, 0.0) * store.tokens
    return samples, samples * config.history * mean
