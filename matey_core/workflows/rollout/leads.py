"""Errors of a rollout at one lead."""

from dataclasses import dataclass

from matey_core.inference import PatchPower, Score

Scores = dict[str, dict[str, Score]]
"""Field → metric → score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LeadErrors:
    """Errors of a rollout at one lead time."""

    lead: int
    """Stored frames after the last known one."""
    lead_time: float
    """The same in the units of the time coordinate."""
    fields: Scores
    mean: dict[str, Score]
    """Metric → mean over fields."""
    patches: tuple[PatchPower, ...]
    """How far errors stand out where patches meet."""
