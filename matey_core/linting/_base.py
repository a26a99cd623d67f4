"""What a check is, and what it says."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal, TypedDict

from matey_core.linting._blocks import FrameBlock
from matey_core.registry import Registry
from matey_core.store import SPLITS, Store

Severity = Literal["error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")
"""Worst first. Only errors make a command fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong or worth knowing, with the place where it is worst or first."""

    severity: Severity
    check: str = ""
    field: str = ""
    sample: str = ""
    """Name of the sample; empty where the finding is about the whole store."""
    split: str = ""
    frame: int | None = None
    cell: tuple[int, ...] | None = None
    """Index along each space axis, in storage order."""
    count: int = 1
    """Samples that have it."""
    found: str
    expected: str
    remedy: str


class FindingPlace(TypedDict):
    """The part of a `Finding` that says which sample it is about."""

    sample: str
    split: str


class Check(ABC):
    """One kind of defect, looked for while the values of a store stream by once.

    An instance serves all stores of one run, one after the other, so that it can compare them.
    """

    reads: ClassVar[bool] = True
    """Whether it needs values; without it, a check costs nothing."""
    store: Store

    def start(self, store: Store) -> None:
        """Begin with a store; what was gathered of the last one is forgotten."""
        self.store = store

    def see(self, block: FrameBlock) -> None:  # noqa: B027
        """Take in some frames of a field.

        Blocks come sample by sample, field by field, in order of time; static fields come last.
        Frames that cannot be read do not come.
        """

    @abstractmethod
    def findings(self) -> Iterator[Finding]:
        """Say what was found in the store, a few findings at most; called once, at the end."""

    def at(self, sample: int) -> FindingPlace:
        """Name and split of a sample, as arguments of a `Finding`."""
        return FindingPlace(
            sample=self.store.sample_names[sample], split=SPLITS[int(self.store.split[sample])]
        )


CHECKS: Registry[type[Check]] = Registry("matey_core.linting")
