"""What an audit of criteria looks at."""

from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveInt

from matey_core.config import Config
from matey_core.locations import Location


class CriterionConfig(Config):
    """Whose errors, where, and which criteria shall find them."""

    run: Path | None = None
    """Run or model directory; by default the newest run."""
    runs: Path = Path("runs")
    """Folder of the runs."""
    without_model: bool = False
    """Look at the errors of persistence instead of a model's coarse pass."""
    data: Location | None = None
    """Folder of stores, instead of the stores that the run was trained on."""
    store: tuple[str, ...] = ()
    """Names of the stores to take; by default all that fit."""
    split: Literal["train", "validation", "test", "all"] = "test"
    """Which trajectories."""
    samples: PositiveInt | None = None
    """Take at most this many trajectories of each store, the first ones."""
    windows: PositiveInt = 16
    """Windows of each trajectory, evenly spread."""
    criteria: tuple[str, ...] = ()
    """Criteria, or sums of several such as `gradient+innovation`; by default all there are."""
    share: float = Field(default=0.25, gt=0, le=1)
    """Share of the cells that are chosen."""
    lead: PositiveInt = 1
    """Frames ahead."""
    patch: PositiveInt | None = None
    """Points per axis of a cell; without a model only, which has its own."""
    history: PositiveInt | None = None
    """Frames of a history, instead of those that the run was trained with."""
    batch_size: PositiveInt = 8
    """Windows at once; changes memory and speed, never a result."""
    out: Path | None = None
    """The picture, as .png, .pdf or .svg; by default `study-criterion.png` in the run, or here."""
