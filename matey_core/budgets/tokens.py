"""A number of tokens of a frame."""

from typing import Literal

from pydantic import PositiveInt

from matey_core.budgets._base import BUDGETS, BudgetConfig, Ladder
from matey_core.budgets._quota import Quota, quota_of_tokens


@BUDGETS.register("tokens")
class TokensConfig(BudgetConfig):
    """As many refined cells as make a number of tokens."""

    name: Literal["tokens"] = "tokens"
    tokens: PositiveInt
    """Number of tokens of a frame; cells are refined by falling score until it is reached. The
    number is exact, with three exceptions that stay below it: `adap_mul`, which needs whole blocks,
    balanced trees, and grids with cells that hold only padding."""

    @property
    def label(self) -> str:
        """The number."""
        return f"{self.tokens:,} tokens"

    @property
    def limit(self) -> int:
        """The number."""
        return self.tokens

    def quota(self, ladder: Ladder) -> Quota:
        """What the number allows, level by level."""
        return quota_of_tokens(
            self.tokens,
            roots=ladder.roots,
            pieces=ladder.pieces,
            keep_parents=ladder.keep_parents,
            is_exact=not ladder.keeps_roots,
        )
