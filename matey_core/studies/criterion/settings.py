"""Settings of `matey study criterion`."""

from pathlib import Path
from typing import Literal

from pydantic import Field, PositiveInt

from matey_core.config import Config
from matey_core.locations import Location


class CriterionConfig(Config):
    """Settings of an audit: the model, the data, the criteria."""

    run: Path | None = None
    """Run or model directory; by default the newest run."""
    runs: Path = Path("runs")
    """Folder of the runs."""
    without_model: bool = False
    """Audit the errors of persistence instead of those of a model's coarse pass."""
    data: Location | None = None
    """Folder of stores, instead of the stores that the run was trained on."""
    store: tuple[str, ...] = ()
    """Names of the stores to take; by default all that fit."""
    split: Literal["train", "validation", "test", "all"] = "test"
    """Split whose trajectories are audited."""
    samples: PositiveInt | None = None
    """Take at most this many trajectories of each store, the first ones."""
    windows: PositiveInt = 16
    """Number of windows of each trajectory, evenly spread."""
    criteria: tuple[str, ...] = ()
    """Criteria to compare, by default all; `gradient+innovation` is the larger score of both."""
    share: float = Field(default=0.25, gt=0, le=1)
    """Fraction of the cells that each criterion chooses."""
    lead: PositiveInt = 1
    """Lead time of the prediction, in stored frames."""
    patch: PositiveInt | None = None
    """Points per axis of a cell; only with `without_model`, as a model has its own cells."""
    history: PositiveInt | None = None
    """Number of past frames, instead of the number that the run was trained with."""
    batch_size: PositiveInt = 8
    """Number of windows that are predicted together; changes memory and speed, not results."""
    out: Path | None = None
    """File of the picture: .png, .pdf or .svg; by default `study-criterion.png` in the run, or in
    the working directory."""
