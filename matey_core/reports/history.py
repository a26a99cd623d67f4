"""What a journal says of a training: losses and ratios by store, and sums over all steps."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

BUCKETS = 200
"""Points of a curve."""


@dataclass(slots=True, kw_only=True)
class StoreHistory:
    """One store in the course of a training."""

    steps: list[int] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    ratios: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    """Lead, in words → (step, error relative to the best training-free forecast)."""


@dataclass(slots=True, kw_only=True)
class RunHistory:
    """All steps and validations of a run that its journal has kept."""

    stores: dict[str, StoreHistory] = field(default_factory=dict)
    scores: list[tuple[float, float]] = field(default_factory=list)
    """Step and score of every validation."""
    num_steps: int = 0
    skipped: int = 0
    seconds: float = 0.0
    """Of all steps, validations and checkpoints left out; 0 where an earlier version trained."""
    waiting: float = 0.0
    samples: float = 0.0
    tokens: float = 0.0
    memory: int = 0
    start: Mapping[str, Any] = field(default_factory=dict)
    """The last start."""
    rollbacks: list[tuple[int, str]] = field(default_factory=list)
    """Step and reason."""


def history_of(rows: Iterable[Mapping[str, Any]]) -> RunHistory:
    """Sum up the lines of a journal.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: one is not as it should be.
    """
    history = RunHistory()
    for row in rows:
        if row["event"] == "step":
            _add_step(history, row)
        elif row["event"] == "validation":
            _add_validation(history, row)
        elif row["event"] == "start":
            history.start = row
        elif row["event"] == "rollback":
            history.rollbacks.append((int(row["step"]), str(row.get("reason", ""))))
    return history


def _add_step(history: RunHistory, row: Mapping[str, Any]) -> None:
    store = history.stores.setdefault(str(row["store"]), StoreHistory())
    store.steps.append(int(row["step"]))
    store.losses.append(_number(row["loss"]))
    history.num_steps += 1
    history.skipped += bool(row.get("is_skipped"))
    history.seconds += _finite(row.get("seconds"))
    history.waiting += _finite(row.get("waiting_seconds"))
    history.samples += _finite(row.get("samples"))
    history.tokens += _finite(row.get("tokens"))
    history.memory = max(history.memory, int(_finite(row.get("memory"))))


def _add_validation(history: RunHistory, row: Mapping[str, Any]) -> None:
    step = int(row["step"])
    for score in row["scores"]:
        if "ratio" not in score:  # of an earlier version
            continue
        store = history.stores.setdefault(str(score["store"]), StoreHistory())
        rolled = ", rolled" if score.get("is_rollout") else ""
        label = f"lead {int(score['lead_steps'])}{rolled}"
        store.ratios.setdefault(label, []).append((step, _number(score["ratio"])))
    if "score" in row:
        history.scores.append((step, _number(row["score"])))


def _number(value: Any) -> float:
    """A number of a journal, which has null for what is not finite."""
    return math.nan if value is None else float(value)


def _finite(value: Any) -> float:
    """A number that is added to others; 0 where it is missing or not finite."""
    number = float(value or 0.0)
    return number if math.isfinite(number) else 0.0


def bucketed(
    steps: list[int], values: list[float]
) -> tuple[list[tuple[float, float]], list[tuple[float, float, float]]]:
    """Bring a long curve to a few points.

    Args:
        steps: of the values.
        values: those that are not finite are left out.

    Returns:
        (step, mean) and (step, smallest, largest) of every part of the curve.
    """
    known = [pair for pair in zip(steps, values, strict=True) if math.isfinite(pair[1])]
    width = max(1, -(-len(known) // BUCKETS))
    line, band = [], []
    for first in range(0, len(known), width):
        part = known[first : first + width]
        step = fmean(each[0] for each in part)
        inside = [each[1] for each in part]
        line.append((step, fmean(inside)))
        band.append((step, min(inside), max(inside)))
    return line, band if width > 1 else []
