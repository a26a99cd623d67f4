"""An arm reaches an error, with fewer samples than another arm."""

from collections.abc import Sequence
from functools import partial
from typing import Literal

from pydantic import PositiveFloat

from matey_core.studies.comparison import Comparison
from matey_core.studies.verdicts import VERDICTS, Judgement, VerdictConfig
from matey_core.studies.verdicts._places import along, arm_at, over_lines


@VERDICTS.register("samples_to")
class SamplesToConfig(VerdictConfig):
    """The arm reaches the error `target`; with `against`, with fewer samples than that arm.

    The smallest number of the axis counts at which the median is at most the target. Without a
    target it is what the arm has at the first number. Nothing lies between the numbers that were
    tried, and nothing beyond them.
    """

    rule: Literal["samples_to"] = "samples_to"
    axis: str = "n_samples"
    target: PositiveFloat | None = None
    against: str | None = None
    at_least: PositiveFloat = 1.0
    """Smallest factor by which the other arm needs more samples."""

    def judge(self, comparisons: Sequence[Comparison], metric: str) -> Judgement:
        """Look for the first number that reaches the target, wherever other axes are."""
        return over_lines(comparisons, self.axis, partial(self._judged, metric=metric))

    def _judged(self, comparisons: Sequence[Comparison], *, metric: str) -> Judgement:
        target = self.target
        if target is None:
            _, first = along(comparisons, self.axis)[0]
            target = arm_at(first, self.arm).errors[metric].median
        needed = _needed(comparisons, self.arm, target, self.axis, metric)
        goal = f"the {metric} {target:.3g}"
        if needed is None:
            return Judgement(outcome="not reached", sentence=f"{self.arm} does not reach {goal}.")
        sentence = f"{self.arm} reaches {goal} with {needed:g} samples"
        if self.against is None:
            return Judgement(outcome="holds", sentence=f"{sentence}.")
        other = _needed(comparisons, self.against, target, self.axis, metric)
        if other is None:
            most = max(number for number, _ in along(comparisons, self.axis))
            sentence += f", {self.against} not with {most:g}."
            holds = most / needed >= self.at_least
            return Judgement(outcome="holds" if holds else "not reached", sentence=sentence)
        times = other / needed
        sentence += f", {self.against} with {other:g}: {times:g} times as many."
        return Judgement(outcome="holds" if times >= self.at_least else "fails", sentence=sentence)


def _needed(
    comparisons: Sequence[Comparison], arm: str, target: float, axis: str, metric: str
) -> float | None:
    """Smallest number of samples at which an arm has the error; None where it never has."""
    for number, comparison in along(comparisons, axis):
        if arm_at(comparison, arm).errors[metric].median <= target:
            return number
    return None
