"""What kinds of claims share: places along axes, and the arm there."""

from collections.abc import Callable, Sequence

from matey_core.studies.comparison import ArmResult, Comparison
from matey_core.studies.statistics import Interval
from matey_core.studies.verdicts import Judgement
from matey_core.studies.words import interval as shown
from matey_core.studies.words import place


def arm_at(comparison: Comparison, name: str) -> ArmResult:
    """An arm that is known to be there."""
    found = comparison.arm(name)
    assert found is not None
    return found


def along(comparisons: Sequence[Comparison], axis: str) -> list[tuple[float, Comparison]]:
    """Go along a numeric axis, where the other axes have one place."""
    return sorted(((float(each.at[axis]), each) for each in comparisons), key=lambda item: item[0])


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
    holds = all(each.median <= at_most for _, each in found)
    listed = ", ".join(f"{shown(each)}{where}" for where, each in found)
    return Judgement(
        outcome="holds" if holds else "fails", sentence=f"{subject} {listed} (at most {at_most:g})."
    )
