"""Settings of a budget, and what every budget promises."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from jaxtyping import Bool, Float
from torch import Tensor

from matey_core.budgets._quota import Quota
from matey_core.config import PartConfig
from matey_core.registry import Registry

BUDGETS: Registry[type["BudgetConfig"]] = Registry("matey_core.budgets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """The cells that a grid may be cut into, level by level."""

    roots: int
    """Cells of the coarsest level."""
    pieces: Sequence[int]
    """For every level but the finest, the cells that one is split into."""
    keep_parents: bool
    """Whether split cells stay tokens."""
    keeps_roots: bool
    """Whether a refined root stays a token beside its pieces."""


class BudgetConfig(PartConfig):
    """Settings of a budget: which of the cells that a criterion has scored are refined."""

    family: ClassVar[Registry[Any]] = BUDGETS
    default: ClassVar[str] = "gamma"

    name: str
    """Kind of budget: `gamma`, `ratio`, `tokens`, or one of another package."""

    @property
    def label(self) -> str:
        """The budget in a few characters, for titles."""
        return self.name

    @property
    def is_number(self) -> bool:
        """Whether the number of refined cells does not depend on the fields."""
        return True

    @property
    def limit(self) -> int | None:
        """Tokens of a frame that are met exactly where they can be; None if none are named."""
        return None

    @abstractmethod
    def quota(self, ladder: Ladder) -> Quota | None:
        """How many cells of each level every sample splits; None where its scores decide.

        Raises:
            ConfigError: no tree has the number of tokens asked for.
        """

    def above(self, scores: Float[Tensor, "b ..."]) -> Bool[Tensor, "b ..."]:
        """Cells of a level that are refined where there is no quota.

        Args:
            scores: (b, *cells) of one level.
        """
        raise NotImplementedError
