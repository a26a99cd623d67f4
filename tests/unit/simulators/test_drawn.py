"""Constants that are fixed or drawn, and the mistakes one can make with them."""

import numpy as np
import pytest
from pydantic import BaseModel, ValidationError

from matey_core.simulators._drawn import (
    Drawn,
    NonNegativeDrawn,
    PositiveDrawn,
    Value,
    draw,
    ends,
    text,
)


class Settings(BaseModel, frozen=True):
    """One setting of each kind."""

    any: Drawn = 1.0
    positive: PositiveDrawn = 1.0
    not_negative: NonNegativeDrawn = 1.0


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        (0.5, 0.5),
        (-2.0, -2.0),
        ("0.001:0.1", (0.001, 0.1)),
        ("-1:1e-3", (-1.0, 1e-3)),
        ([0.001, 0.1], (0.001, 0.1)),
        ((0.1, 0.1), (0.1, 0.1)),
    ],
)
def test_reads_numbers_and_ranges(typed: object, value: Value) -> None:
    assert Settings.model_validate({"any": typed}).any == value


@pytest.mark.parametrize(
    ("name", "typed", "complaint"),
    [
        ("any", "0.2:0.1", "begins at 0.2, above its end 0.1"),
        ("any", float("nan"), "not a finite number"),
        ("any", "0:inf", "not a finite number"),
        ("any", "0.1:", "neither a number nor a range"),
        ("any", "0.1:0.2:0.3", "neither a number nor a range"),
        ("any", "small", "neither a number nor a range"),
        ("positive", 0.0, "must be greater than 0"),
        ("positive", "0:1", "must be greater than 0"),
        ("not_negative", "-0.1:1", "must not be negative"),
    ],
)
def test_mistakes_are_told(name: str, typed: object, complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        Settings.model_validate({name: typed})


def test_zero_is_not_negative() -> None:
    assert Settings(not_negative=0.0).not_negative == 0


def test_draws_uniformly_from_a_range() -> None:
    random = np.random.RandomState(1)
    drawn = [draw((2.0, 4.0), random) for _ in range(4000)]
    assert 2 <= min(drawn) < 2.01
    assert 3.99 < max(drawn) <= 4
    assert np.mean(drawn) == pytest.approx(3, abs=0.03)
    assert np.std(drawn) == pytest.approx(2 / np.sqrt(12), abs=0.02)


def test_a_seed_draws_the_same_and_a_number_takes_nothing() -> None:
    first, second = np.random.RandomState(3), np.random.RandomState(3)
    assert draw(0.7, first) == 0.7
    assert draw((0.0, 1.0), first) == draw((0.0, 1.0), second)


def test_names_and_ends() -> None:
    assert (text(0.1), text((0.1, 0.5)), text(1e-8)) == ("0.1", "0.1-0.5", "1e-08")
    assert (ends(0.1), ends((0.1, 0.5))) == ((0.1, 0.1), (0.1, 0.5))
