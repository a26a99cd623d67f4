"""What a rollout has found: errors by lead, store by store."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from matey_core.forecasts import Blend
from matey_core.inference import Artifact, CycleName, Limited, Score
from matey_core.reports.shown import Shown
from matey_core.workflows.rollout.leads import LeadErrors, Scores
from matey_core.workflows.rollout.summary import RolloutSummary


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRollout:
    """What came out for one store."""

    store: str
    path: Path
    """Zarr store of the predicted states."""
    samples: tuple[str, ...]
    """Names of the trajectories."""
    steps: int
    """Predicted frames; those beyond the end of the truth have no errors."""
    windows: int
    """Windows that the one-step errors are measured on."""
    windows_available: int
    one_step: Scores
    one_step_mean: dict[str, Score]
    rollout: tuple[LeadErrors, ...]
    """One entry for each predicted frame whose truth is known."""
    artifacts: tuple[Artifact, ...]
    """Patterns of the patches in the errors that last to the end, the strongest first."""
    was_trained_on: tuple[str, ...]
    """Trajectories among `samples` that have trained the model."""
    summary: RolloutSummary
    shown: Shown = dataclasses.field(metadata={"document": False})
    """What a picture shows."""
    limited: tuple[Limited, ...] = ()
    """Fields that spread too widely in a prediction, and were scaled down."""
    blended: Mapping[str, Blend] = dataclasses.field(default_factory=dict)
    """Field → how much of the local linear fit is in its first frames."""
    picture: Path | None = None
    """PNG file, where one was asked for."""
    film: Path | None = None
    """MP4 or GIF file, where one was asked for."""

    @property
    def blended_frames(self) -> int:
        """Number of predicted frames that the fit has a part in."""
        most = max((blend.frames for blend in self.blended.values()), default=0)
        return int(min(most, self.steps))


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutReport:
    """What came out for all stores."""

    model: Path
    split: str
    history: int
    start: int
    stride: int
    jitter: bool
    cycle: CycleName | None
    seed: int
    stores: tuple[StoreRollout, ...]
    skipped: dict[str, str]
    """Store → why it was left out."""
    earlier: tuple[str, ...]
    """Stores of the trainings before a fine-tuning, which were not asked for."""
    scores: Path
    """JSON file with all of this."""
    budget: str = ""
    """What a budget came to, where one was asked for."""
    limits: str = ""
    """Why nothing could be limited, though it was asked for; otherwise empty."""
