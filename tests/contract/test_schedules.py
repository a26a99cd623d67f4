"""What holds for whatever the learning rate does while training."""

import pytest

from matey_core.schedules import SCHEDULES
from matey_core.schedules.warmup_cosine import WarmupCosineConfig


@pytest.mark.parametrize("steps", [1, 2, 40])
@pytest.mark.parametrize("name", SCHEDULES.names())
def test_it_is_a_positive_fraction_of_the_largest_rate_which_is_reached(
    name: str, steps: int
) -> None:
    schedule = SCHEDULES[name]().build(steps)
    fractions = [schedule(step) for step in range(steps)]
    assert min(fractions) > 0
    assert max(fractions) == pytest.approx(1)
    assert fractions == [schedule(step) for step in range(steps)]


def test_it_warms_up_and_comes_down_on_a_cosine() -> None:
    schedule = WarmupCosineConfig(warmup=0.2).build(20)
    fractions = [schedule(step) for step in (0, 1, 4, 12, 20, 30)]
    assert fractions == pytest.approx([0.01, 0.2575, 1.0, 0.505, 0.01, 0.01])
