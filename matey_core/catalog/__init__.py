"""What is there: runs and models, what they were trained on, and how they differ."""

from matey_core.catalog.comparing import RunComparison, ScoreRow, SettingRow, compare_runs
from matey_core.catalog.listing import RunList, find_run, list_runs
from matey_core.catalog.model import ModelRecord, read_model
from matey_core.catalog.run import RunRecord, read_run

__all__ = [
    "ModelRecord",
    "RunComparison",
    "RunList",
    "RunRecord",
    "ScoreRow",
    "SettingRow",
    "compare_runs",
    "find_run",
    "list_runs",
    "read_model",
    "read_run",
]
