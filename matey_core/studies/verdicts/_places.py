"""What kinds of claims share: places along axes, and the arm there."""

from collections.abc import Callable, Sequence

from matey_core.studies.comparison import ArmResult, Comparison
from matey_core.studies.statistics import Interval
from matey_core.studies.verdicts import Judgement
from matey_core.studies.words import heading, place
from matey_core.studies.words import interval as shown

OUTCOMES = ("holds", "not reached", "fails")
"""From good to bad."""


def arm_at(comparison: Comparison, name: str) -> ArmResult:
    """An arm that is known to be there."""
    found = comparison.arm(name)
    assert found is not None
    return found


def along(comparisons: Sequence[Comparison], axis: str) -> list[tuple[float, Comparison]]:
    """Go along a numeric axis, where the other axes have one place."""
    return sorted(((float(each.at[axis]), each) for each in comparisons), key=lambda item: item[0])


def over_lines(
    comparisons: Sequence[Comparison], axis: str, judge: Callable[[Sequence[Comparison]], Judgement]
) -> Judgement:
    """Judge every line along an axis: all of them must hold.

    Args:
        comparisons: the places of all lines.
        axis: that the lines go along; the other axes tell them apart.
        judge: judges one line.
    """
    lines: dict[str, list[Comparison]] = {}
    for each in comparisons:
        others = {key: value for key, value in each.at.items() if key != axis}
        lines.setdefault(heading(others), []).append(each)
    found = {where: judge(line) for where, line in lines.items()}
    if len(found) == 1:
        return next(iter(found.values()))
    worst = max((each.outcome for each in found.values()), key=OUTCOMES.index)
    sentence = " ".join(f"{where}: {each.sentence}" for where, each in found.items())
    return Judgement(outcome=worst, sentence=sentence)


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
