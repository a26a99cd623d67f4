"""How a workflow tells its caller how far it is."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """One report: `done` of `total` units of a named task."""

    task: str
    """What is going on, such as "pretrain" or "convert 2D_rdb_NA_NA.h5"."""
    done: float
    total: float | None
    unit: str = ""
    """What is counted, such as "steps" or "B" for bytes."""
    facts: tuple[tuple[str, str], ...] = ()
    """A few live figures, such as ("loss", "0.012")."""


OnProgress = Callable[[Progress], None]


def silent(progress: Progress) -> None:
    """Ignore the report: the default where nobody watches."""
