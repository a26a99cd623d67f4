"""How many cells are refined: the door of the family."""

from matey_core.budgets._base import BUDGETS, BudgetConfig, Ladder
from matey_core.budgets._quota import Quota

__all__ = ["BUDGETS", "BudgetConfig", "Ladder", "Quota"]
