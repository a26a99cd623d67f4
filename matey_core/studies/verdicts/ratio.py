"""An arm's error is at most so many times another's."""

from collections.abc import Sequence
from typing import Literal

from pydantic import PositiveFloat

from matey_core.studies.comparison import Comparison
from matey_core.studies.statistics import ratio_of
from matey_core.studies.verdicts import VERDICTS, Judgement, VerdictConfig
from matey_core.studies.verdicts._places import arm_at, over_places


@VERDICTS.register("ratio")
class RatioRuleConfig(VerdictConfig):
    """The median over seeds of the ratio of errors is at most `at_most`, at every place."""

    rule: Literal["ratio"] = "ratio"
    against: str
    at_most: PositiveFloat

    def judge(self, comparisons: Sequence[Comparison], metric: str) -> Judgement:
        """Divide seed by seed."""
        return over_places(
            comparisons,
            lambda each: ratio_of(
                arm_at(each, self.arm).errors[metric],
                arm_at(each, self.against).errors[metric],
                each.intervals,
            ),
            self.at_most,
            f"the {metric} of {self.arm} over that of {self.against} is",
        )
