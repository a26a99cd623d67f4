"""An arm's errors lie below another's: their intervals are apart."""

from collections.abc import Sequence
from typing import Literal

from matey_core.studies.comparison import Comparison
from matey_core.studies.verdicts import VERDICTS, Judgement, VerdictConfig
from matey_core.studies.verdicts._places import arm_at
from matey_core.studies.words import interval, place


@VERDICTS.register("apart")
class ApartConfig(VerdictConfig):
    """The upper end of the arm's interval is below the lower end of the other's, everywhere."""

    rule: Literal["apart"] = "apart"
    against: str

    def judge(self, comparisons: Sequence[Comparison], metric: str) -> Judgement:
        """Compare the ends of intervals."""
        pairs = [
            (
                place(each.at),
                arm_at(each, self.arm).errors[metric],
                arm_at(each, self.against).errors[metric],
            )
            for each in comparisons
        ]
        holds = all(ours.high < theirs.low for _, ours, theirs in pairs)
        listed = ", ".join(
            f"{interval(ours)} and {interval(theirs)}{where}" for where, ours, theirs in pairs
        )
        below = "below" if holds else "not everywhere below"
        return Judgement(
            outcome="holds" if holds else "fails",
            sentence=f"the {metric} of {self.arm} is {below} that of {self.against}, interval by "
            f"interval: {listed}.",
        )
