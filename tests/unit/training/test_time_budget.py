"""The share of the time that a training has used, by a clock that the test sets."""

from dataclasses import dataclass

import pytest
import torch

from matey_core.distributed import Place, StrategyConfig
from matey_core.training import POSITIONS, TimeBudget


@dataclass
class Clock:
    """Stands still until it is set forward."""

    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def budget_of(
    clock: Clock,
    seconds: float = 100.0,
    *,
    reserve: float = 0.0,
    validate_every: int | None = None,
) -> TimeBudget:
    strategy = StrategyConfig.choose("single").build(Place(), torch.device("cpu"))
    budget = TimeBudget(
        seconds, strategy=strategy, delay=2, validate_every=validate_every, clock=clock
    )
    budget.begin(0, reserve=reserve, step_seconds=1.0)
    return budget


def take(budget: TimeBudget, clock: Clock, *seconds: float) -> None:
    for each in seconds:
        clock.now += each
        budget.after_step()


def test_the_share_is_that_of_the_time_without_the_last_validation(clock: Clock) -> None:
    budget = budget_of(clock, 100.0, reserve=20.0)
    take(budget, clock, 10.0)
    assert budget.share == pytest.approx(10 / 80)
    assert budget.position == pytest.approx(POSITIONS / 8, abs=1)


@pytest.mark.parametrize("reserve", [0.0, 1.0, 4.0, 12.0, 30.0])
@pytest.mark.parametrize("validate_every", [None, 7, 30, 1000])
@pytest.mark.parametrize("validates_first", [False, True])
def test_the_plan_is_what_happens(
    clock: Clock, reserve: float, validate_every: int | None, validates_first: bool
) -> None:
    budget = budget_of(clock, 100.0, validate_every=validate_every)
    budget.begin(0, reserve=reserve, step_seconds=0.5, validates_first=validates_first)
    planned = budget.expected_steps(0), budget.expected_validations(0)
    steps = validations = 0

    def validate() -> None:
        with budget.saving(validates=True):
            clock.now += reserve

    if validates_first:
        validate()
    while not budget.is_over:
        take(budget, clock, 0.5)
        steps += 1
        if budget.is_over or budget.is_due(steps):
            validations += 1
            validate()
    assert planned[0] == pytest.approx(steps, rel=0.05, abs=2)
    expected = validations + validates_first if reserve else 0
    assert planned[1] == pytest.approx(expected, rel=0, abs=0 if validate_every is None else 1)
    assert budget.expected_steps(steps) == steps


def test_the_last_step_is_one_that_began_at_share_1(clock: Clock) -> None:
    budget = budget_of(clock, 10.0)
    take(budget, clock, 6.0, 6.0)
    assert (budget.share, budget.is_over, budget.expected_steps(2)) == (1.0, False, 3)
    take(budget, clock, 0.1)
    assert (budget.share, budget.is_over, budget.expected_steps(3)) == (1.0, True, 3)


def test_the_share_never_falls(clock: Clock) -> None:
    budget = budget_of(clock, 100.0)
    take(budget, clock, 30.0)
    with budget.saving(validates=True):
        clock.now += 40.0  # the next one is expected to take as long
    assert (budget.reserve, budget.share) == (40.0, 1.0)
    with budget.saving(validates=True):
        clock.now += 1.0
    assert (budget.reserve, budget.share) == (1.0, 1.0)


def test_validations_come_after_a_fifth_of_the_time_and_not_shortly_before_the_end(
    clock: Clock,
) -> None:
    budget, found = budget_of(clock, 100.0), []
    while not budget.is_over:
        take(budget, clock, 1.0)
        if budget.is_due(0):
            found.append(clock.now - 1000.0)
            with budget.saving(validates=True):
                clock.now += 1.0
    assert found == [20.0, 41.0, 62.0, 83.0]


def test_slow_validations_are_fewer(clock: Clock) -> None:
    budget, slow = budget_of(clock, 100.0, reserve=12.0), 0
    while not budget.is_over:
        take(budget, clock, 1.0)
        if budget.is_due(0):
            slow += 1
            with budget.saving(validates=True):
                clock.now += 12.0
    assert slow == 1  # and the last one: 24 of 100 seconds
    assert clock.now - 1000.0 <= 100.0 - 12.0 + 1.0


def test_the_time_of_a_step_is_without_validations(clock: Clock) -> None:
    budget = budget_of(clock)
    take(budget, clock, 2.0)
    with budget.saving(validates=True):
        clock.now += 30.0
    take(budget, clock, 4.0)
    assert budget.step_seconds == pytest.approx(3.0)


def test_a_batch_is_read_by_the_share_that_was_known_when_reading_began(clock: Clock) -> None:
    budget = budget_of(clock, 100.0)
    take(budget, clock, 10.0, 10.0, 10.0)
    assert [budget.share_at(step) for step in range(5)] == pytest.approx([0, 0, 0, 0.1, 0.2])


def test_a_resumed_training_has_the_rest_of_the_time(clock: Clock) -> None:
    first = budget_of(clock, 100.0)
    take(first, clock, 25.0, 25.0)
    saved = first.state_dict()
    clock.now += 1e6
    second = budget_of(clock, 100.0)
    second.load_state_dict(saved)
    second.begin(2, reserve=0.0, step_seconds=1.0)
    assert (second.share, second.share_at(2), second.is_over) == (0.5, 0.5, False)
    take(second, clock, 50.0, 1.0)
    assert second.is_over


def test_a_prolonged_training_is_no_longer_over(clock: Clock) -> None:
    first = budget_of(clock, 10.0)
    take(first, clock, 10.0, 0.1)
    assert first.is_over
    longer = budget_of(clock, 40.0)
    longer.load_state_dict(first.state_dict())
    longer.begin(2, reserve=0.0, step_seconds=1.0)
    assert longer.share == pytest.approx(0.2525)
    assert longer.expected_steps(2) == 32
