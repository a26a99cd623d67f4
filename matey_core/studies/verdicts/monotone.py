"""An arm's error, or its ratio to another's, goes one way along an axis."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Literal

from pydantic import NonNegativeFloat

from matey_core.studies.comparison import Comparison
from matey_core.studies.statistics import ratio_of
from matey_core.studies.verdicts import VERDICTS, Judgement, VerdictConfig
from matey_core.studies.verdicts._places import along, arm_at, over_lines


@VERDICTS.register("monotone")
class MonotoneConfig(VerdictConfig):
    """The median error falls, or rises, along a numeric axis; with `against`, that of the ratio.

    From one value to the next it may go the wrong way by the part `tolerance`, but the last
    error must be below the first, or above it.
    """

    rule: Literal["monotone"] = "monotone"
    axis: str
    against: str | None = None
    """Arm that errors are divided by, seed by seed."""
    direction: Literal["falls", "rises"] = "falls"
    tolerance: NonNegativeFloat = 0.05

    def judge(self, comparisons: Sequence[Comparison], metric: str) -> Judgement:
        """Go along the axis, wherever other axes are."""
        return over_lines(comparisons, self.axis, partial(self._judged, metric=metric))

    def _judged(self, comparisons: Sequence[Comparison], *, metric: str) -> Judgement:
        values = [
            (place, self._figure(each, metric)) for place, each in along(comparisons, self.axis)
        ]
        errors = [error for _, error in values]
        falling = errors if self.direction == "falls" else errors[::-1]
        holds = falling[-1] < falling[0] and all(
            after <= before * (1 + self.tolerance) for before, after in pairwise(falling)
        )
        listed = ", ".join(f"{error:.3g} at {place:g}" for place, error in values)
        verb = self.direction if holds else f"does not {self.direction.removesuffix('s')}"
        over = f" over that of {self.against}" if self.against else ""
        sentence = f"the {metric} of {self.arm}{over} {verb} along {self.axis}: {listed}."
        return Judgement(outcome="holds" if holds else "fails", sentence=sentence)

    def _figure(self, comparison: Comparison, metric: str) -> float:
        errors = arm_at(comparison, self.arm).errors[metric]
        if self.against is None:
            return errors.median
        other = arm_at(comparison, self.against).errors[metric]
        return ratio_of(errors, other, comparison.intervals).median
