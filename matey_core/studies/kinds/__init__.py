"""Kinds of studies: what a study's file calls its `kind`, and what makes it."""

from abc import abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from matey_core.config import PartConfig
from matey_core.progress import OnProgress, silent
from matey_core.registry import Registry
from matey_core.studies.runner import OnPlan, go_on

KINDS: Registry[type["KindConfig"]] = Registry(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """Where and how a study runs."""

    out: Path | None = None
    """Its folder; by default the study decides."""
    runs: Path = Path("runs")
    """Folder of the runs."""
    jobs: int = 1
    """Processes side by side."""
    on_progress: OnProgress = silent
    on_plan: OnPlan = go_on


class KindConfig(PartConfig):
    """A study of one kind; without `kind`, models are trained."""

    family: ClassVar[Registry[type["KindConfig"]]] = KINDS
    default: ClassVar[str] = "training"
    key: ClassVar[str] = "kind"
    has_cells: ClassVar[bool] = True
    """Whether it heeds `jobs` and `on_plan`."""

    @classmethod
    def of_today(cls, values: dict[str, Any], *, source: str) -> dict[str, Any]:
        """Give settings of earlier versions the names of today.

        Args:
            values: plain values of the file.
            source: its name, for the error text.

        Raises:
            ConfigError: a setting is given under its old name and its new one.
        """
        return values

    @abstractmethod
    def carry_out(self, way: Way) -> Any:
        """Make the study.

        Returns:
            Its report, a dataclass; None if `on_plan` has declined.

        Raises:
            MateyError: something is wrong with settings, data or machine.
        """
