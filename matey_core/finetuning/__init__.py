"""What may change when a trained model meets new data: the door of the family."""

from matey_core.finetuning._base import FINETUNING, FinetuneModeConfig, check_merged, train_parts
from matey_core.finetuning._borrowing import borrow, keep_time_steps, lenders, news
from matey_core.finetuning._counts import ParameterCounts, count_parameters

__all__ = [
    "FINETUNING",
    "FinetuneModeConfig",
    "ParameterCounts",
    "borrow",
    "check_merged",
    "count_parameters",
    "keep_time_steps",
    "lenders",
    "news",
    "train_parts",
]
