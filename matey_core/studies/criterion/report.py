"""What an audit of criteria has found."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from matey_core.errors import CheckpointError
from matey_core.studies.criterion.measure import FoundError


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreAudit:
    """What was found on one store."""

    store: str
    grid: tuple[int, ...]
    patch: tuple[int, ...]
    """Points per axis of a cell."""
    cells: tuple[int, ...]
    """Cells per axis."""
    num_cells: int
    """All that hold a point of the grid."""
    chosen: int
    """How many of them are chosen."""
    trajectories: int
    windows: int
    left_out: int
    """Windows without an error, or with one that is not finite."""
    criteria: tuple[FoundError, ...]
    """The oracle first and chance last, between them the best first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CriterionReport:
    """What was found on all stores."""

    subject: str
    """Whose errors: the model's directory, or persistence."""
    is_stand_in: bool
    """Whether persistence stands in for a model."""
    share: float
    lead: int
    history: int
    split: str
    picture: Path | None
    no_picture: str
    """Why there is none."""
    stores: tuple[StoreAudit, ...]
    skipped: dict[str, str]
    """Store → why it was left out."""


def plain(audit: StoreAudit) -> dict[str, Any]:
    """An audit as JSON has it, where null stands for NaN."""
    return dict(TypeAdapter(StoreAudit).dump_python(audit, mode="json"))


def audit_from(values: dict[str, Any]) -> StoreAudit:
    """Read what `plain` wrote.

    Raises:
        CheckpointError: it is damaged.
    """
    try:
        return TypeAdapter(StoreAudit).validate_python(_with_nan(values))
    except ValidationError as error:
        raise CheckpointError(
            f"A recorded audit is damaged: {error}.",
            remedy="Remove its line of the .jsonl file; the store is then audited again.",
        ) from error


def _with_nan(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _with_nan(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_with_nan(part) for part in value]
    return math.nan if value is None else value
