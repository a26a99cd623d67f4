"""What holds for whatever the learning rate does while training."""

import pytest

from matey_core.schedules import SCHEDULES
from matey_core.schedules.constant import ConstantConfig
from matey_core.schedules.linear import LinearDecayConfig
from matey_core.schedules.warmup_cosine import WarmupCosineConfig
from matey_core.schedules.wsd import WsdConfig


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


def test_a_constant_rate_does_not_depend_on_the_length_after_its_warmup() -> None:
    short, long = (ConstantConfig(warmup=0.1).build(steps) for steps in (20, 40))
    assert [short(step) for step in (0, 1, 2, 19, 400)] == pytest.approx([0.01, 0.505, 1, 1, 1])
    assert long(4) == short(2) == 1


def test_a_line_goes_straight_down_to_its_end() -> None:
    schedule = LinearDecayConfig(warmup=0.2, final=0.5).build(20)
    fractions = [schedule(step) for step in (0, 4, 12, 20, 30)]
    assert fractions == pytest.approx([0.01, 1, 0.75, 0.5, 0.5])


def test_a_stable_phase_ends_in_a_decay_of_its_shape() -> None:
    steps = (0, 10, 79, 80, 85, 100, 120)
    for shape, quarter in (("linear", 0.75), ("sqrt", 0.5)):
        schedule = WsdConfig(warmup=0.1, decay=0.2, shape=shape, final=1e-9).build(100)
        fractions = [schedule(step) for step in steps]
        assert fractions == pytest.approx([0.01, 1, 1, 1, quarter, 1e-9, 1e-9])


def test_a_stable_phase_has_room() -> None:
    with pytest.raises(ValueError, match=r"warmup \+ decay is 1\.2"):
        WsdConfig(warmup=0.5, decay=0.7)
