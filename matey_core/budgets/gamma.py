"""A threshold: cells that score above a fraction of the sample's largest score."""

from typing import Literal

from jaxtyping import Bool, Float
from pydantic import NonNegativeFloat
from torch import Tensor

from matey_core.budgets._base import BUDGETS, BudgetConfig, Ladder
from matey_core.budgets._quota import Quota


@BUDGETS.register("gamma")
class GammaConfig(BudgetConfig):
    """A threshold on scores: the number of tokens follows from the fields."""

    name: Literal["gamma"] = "gamma"
    gamma: NonNegativeFloat = 0.3
    """Refine the cells whose score is above this fraction of the sample's largest score."""

    @property
    def label(self) -> str:
        """The threshold."""
        return f"γ {self.gamma:g}"

    @property
    def is_number(self) -> bool:
        """Never."""
        return False

    def quota(self, ladder: Ladder) -> Quota | None:
        """None: scores decide."""
        return None

    def above(self, scores: Float[Tensor, "b ..."]) -> Bool[Tensor, "b ..."]:
        """Cells that score strictly above γ times the sample's largest score."""
        peak = scores.flatten(1).amax(1).reshape(-1, *(1,) * (scores.ndim - 1))
        return scores > self.gamma * peak
