"""A fraction of the cells, worst first."""

from typing import Literal

from pydantic import Field

from matey_core.budgets._base import BUDGETS, BudgetConfig, Ladder
from matey_core.budgets._quota import Quota, quota_of_ratio


@BUDGETS.register("ratio")
class RatioConfig(BudgetConfig):
    """A fraction of the cells of each level."""

    name: Literal["ratio"] = "ratio"
    ratio: float = Field(ge=0.0, le=1.0)
    """Fraction of the cells that are refined, highest scores first."""

    @property
    def label(self) -> str:
        """The fraction."""
        return f"ratio {self.ratio:g}"

    def quota(self, ladder: Ladder) -> Quota:
        """The fraction of each level, rounded down."""
        return quota_of_ratio(
            self.ratio,
            roots=ladder.roots,
            pieces=ladder.pieces,
            keep_parents=ladder.keep_parents,
        )
