"""An arm's error is at most a number."""

from collections.abc import Sequence
from typing import Literal

from pydantic import PositiveFloat

from matey_core.studies.comparison import Comparison
from matey_core.studies.verdicts import VERDICTS, Judgement, VerdictConfig
from matey_core.studies.verdicts._places import arm_at, over_places


@VERDICTS.register("err")
class ErrConfig(VerdictConfig):
    """The median error is at most `at_most`, at every place."""

    rule: Literal["err"] = "err"
    at_most: PositiveFloat

    def judge(self, comparisons: Sequence[Comparison], metric: str) -> Judgement:
        """Compare medians."""
        return over_places(
            comparisons,
            lambda each: arm_at(each, self.arm).errors[metric],
            self.at_most,
            f"the {metric} of {self.arm} is",
        )
