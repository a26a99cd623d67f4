"""What kinds of claims share: places along axes, and the arm there."""

from collections.abc import Callable, Iterator, Sequence

from matey_core.errors import ConfigError
from matey_core.studies.comparison import ArmResult, Comparison
from matey_core.studies.statistics import Interval
from matey_core.studies.verdicts import Judgement


def arm_at(comparison: Comparison, name: str) -> ArmResult:
    """An arm that is known to be there."""
    found = comparison.arm(name)
    assert found is not None
    return found


def along(comparisons: Sequence[Comparison], axis: str) -> Iterator[tuple[float, Comparison]]:
    """Go along a numeric axis.

    Raises:
        ConfigError: the other axes have several places, or values are no numbers.
    """
    others = {tuple((k, v) for k, v in each.at.items() if k != axis) for each in comparisons}
    values = [each.at.get(axis) for each in comparisons]
    if len(others) > 1 or not all(isinstance(value, int | float) for value in values):
        raise ConfigError(
            f"A claim along {axis!r} is about one place of the other axes, and about numbers.",
            remedy="Say with `at` which values of the other axes are meant.",
        )
    numbers = [float(value) for value in values if isinstance(value, int | float)]
    yield from sorted(zip(numbers, comparisons, strict=True), key=lambda item: item[0])


def over_places(
    comparisons: Sequence[Comparison],
    figure: Callable[[Comparison], Interval],
    at_most: float,
    subject: str,
) -> Judgement:
    """Hold a figure against a bound at every place.

    Args:
        comparisons: the places.
        figure: what is measured there; its median counts.
        at_most: the bound.
        subject: how a sentence about the figure begins.
    """
    found = [(place(each.at), figure(each)) for each in comparisons]
    holds = all(interval.median <= at_most for _, interval in found)
    listed = ", ".join(f"{shown(interval)}{where}" for where, interval in found)
    return Judgement(
        outcome="holds" if holds else "fails", sentence=f"{subject} {listed} (at most {at_most:g})."
    )


def place(at: dict[str, str | int | float | bool]) -> str:
    """As a sentence ends that says where."""
    return "".join(f", {axis} {value}" for axis, value in at.items()).replace(",", " at", 1)


def shown(interval: Interval) -> str:
    """A median, and its interval where there are several seeds."""
    if len(interval.values) == 1:
        return f"{interval.median:.3g}"
    return f"{interval.median:.3g} ({interval.low:.3g}–{interval.high:.3g})"
