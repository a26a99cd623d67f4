"""Settings of `matey rollout`."""

from pathlib import Path
from typing import Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from matey_core.config import Config
from matey_core.forecasts import ForecastConfig
from matey_core.inference import CycleName
from matey_core.locations import Location


def _forecasts() -> tuple[ForecastConfig, ...]:
    return (
        ForecastConfig.choose({"name": "linear"}),
        ForecastConfig.choose({"name": "local_linear"}),
    )


class RolloutConfig(Config):
    """Which model, over which trajectories, how far."""

    run: Path | None = None
    """Run or model directory, or the name of a run; by default the newest run."""
    runs: Path = Path("runs")
    """Folder of the runs."""
    data: Location | None = None
    """Folder or `s3://…` of stores; by default the stores that the run was trained on."""
    store: tuple[str, ...] = ()
    """Names of the stores to take; by default all whose fields the model knows."""
    split: Literal["train", "validation", "test"] = "test"
    """Which trajectories."""
    samples: PositiveInt | None = None
    """Take at most this many trajectories of each store, the first ones."""
    start: NonNegativeInt = 0
    """First stored frame of the history that a rollout starts from."""
    steps: PositiveInt = 20
    """Stored frames to predict, or fewer where a trajectory ends before."""
    stride: PositiveInt = 1
    """Frames that each call of the model predicts at once."""
    history: PositiveInt | None = None
    """Frames of the history; by default as the run was trained."""
    windows: PositiveInt = 256
    """Windows on which one-step errors are measured, at most, evenly spread."""
    forecasts: tuple[ForecastConfig, ...] = Field(default_factory=_forecasts)
    """Forecasts without training that stand beside persistence, which always does."""
    tokens: PositiveInt | None = None
    """Tokens of a frame; by default the budget that the model was trained with."""
    flops: PositiveFloat | None = None
    """Operations of a sample and call of the model, such as 2.5G: as many tokens as they pay for
    on every store."""
    seconds: PositiveFloat | None = None
    """Seconds of a call of the model with a whole batch on this machine, measured first: as many
    tokens as they pay for."""
    compile: bool = False
    """Fuse the model's parts with torch.compile: worth it for many calls."""
    batch_size: PositiveInt = 8
    """Trajectories, or windows, at once."""
    jitter: bool = False
    """Shift the grid of patches by a number of points, drawn for each call of a rollout."""
    cycle: CycleName | None = None
    """Let the calls of a rollout take other patch sizes in turn: `ladder` drops one size after
    another, `sizes` are uniform passes of each."""
    seed: NonNegativeInt = 0
    """Decides the shifts of `jitter`."""
    out: Path | None = None
    """Folder of the predicted states; by default `rollout` in the run."""
