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
    """Tokens of a frame: as many cells are refined, worst first, as make these. It is exactly
    this number, but for `adap_mul` (the next smaller one that whole blocks add up to), balanced
    trees and grids with cells of nothing but padding (or fewer)."""

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
