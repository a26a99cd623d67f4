"""Claims about a study's results: one kind of claim a file, judged by rule."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from pydantic import Field

from matey_core.config import PartConfig
from matey_core.registry import Registry
from matey_core.studies.comparison import Comparison
from matey_core.studies.rules import Metric

VERDICTS: Registry[type["VerdictConfig"]] = Registry(__name__)


Outcome = Literal["holds", "fails", "not reached", "uninformative"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What a study says about a claim."""

    outcome: Outcome
    sentence: str


class VerdictConfig(PartConfig):
    """A claim, its source, and whether the study fails if it does not hold."""

    family: ClassVar[Registry[type["VerdictConfig"]]] = VERDICTS
    default: ClassVar[str] = "err"
    key: ClassVar[str] = "rule"

    rule: str = ""
    arm: str
    """Arm that the claim is about."""
    at: dict[str, Any] = Field(default_factory=dict)
    """Axis → value where the claim is made; everywhere along axes that are not named."""
    metric: Metric | None = None
    """Error that the claim is about; by default the rules' metric."""
    source: str
    """Source of the claim, such as a paper."""
    level: Literal["required", "directional"] = "directional"
    """A study fails (exit code 1) if a `required` claim does not hold; `directional` claims are
    only reported."""

    @abstractmethod
    def judge(self, comparisons: Sequence[Comparison], metric: str) -> Judgement:
        """Judge the claim.

        Args:
            comparisons: those at the places that the claim is about, at least one; all of them
                have its arms and are informative.
            metric: which error.
        """

    def arms(self) -> tuple[str, ...]:
        """Names of all arms that the claim is about."""
        against = getattr(self, "against", None)
        return (self.arm, against) if against else (self.arm,)
