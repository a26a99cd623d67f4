"""Memory and time of what was not measured follow from what was."""

import pytest

from matey_core.planning.laws import Line, exchange_seconds, largest_micro_batch

GIGA = 1e9


def test_a_line_goes_through_two_points() -> None:
    line = Line.through((2, 5.0), (4, 9.0))
    assert (line.offset, line.slope) == (1.0, 2.0)
    assert line.at(10) == 21.0


@pytest.mark.parametrize(
    ("low", "high", "offset", "slope"),
    [(9.0, 5.0, 9.0, 0.0), (1.0, 9.0, 0.0, 2.25)],
    ids=["noise that falls", "noise that begins below nothing"],
)
def test_noise_makes_no_negative_line(low: float, high: float, offset: float, slope: float) -> None:
    line = Line.through((2, low), (4, high))
    assert (line.offset, line.slope) == (offset, slope)


def test_a_ring_sends_almost_two_copies_of_the_gradients() -> None:
    assert exchange_seconds(250_000_000, 1, GIGA) == 0.0
    assert exchange_seconds(250_000_000, 2, GIGA) == 1.0
    assert exchange_seconds(250_000_000, 4, GIGA) == 1.5


@pytest.mark.parametrize(("limit", "expected"), [(100, 12), (14, 6), (13.9, 4), (4, 1), (3, None)])
def test_the_largest_equal_part_that_fits_is_found(limit: float, expected: int | None) -> None:
    law = Line(offset=2.0, slope=2.0)
    assert largest_micro_batch(12, law, limit) == expected
