"""Where detail is needed: scores for cells. The door of the family."""

from matey_core.criteria._base import CRITERIA, Criterion, Estimate, History
from matey_core.criteria._combined import parts_of, scores_of
from matey_core.criteria._errors import cell_sums, squared_errors

__all__ = [
    "CRITERIA",
    "Criterion",
    "Estimate",
    "History",
    "cell_sums",
    "parts_of",
    "scores_of",
    "squared_errors",
]
