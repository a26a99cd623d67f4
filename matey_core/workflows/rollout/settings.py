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
    """Settings of a rollout: the model, the trajectories, the number of frames."""

    run: Path | None = None
    """Run or model directory, or the name of a run; by default the newest run."""
    runs: Path = Path("runs")
    """Folder of the runs."""
    data: Location | None = None
    """Folder or `s3://…` of stores; by default the run's own stores, which for a fine-tuning
    are those that it was fine-tuned on."""
    store: tuple[str, ...] = ()
    """Names of the stores to take, also of trainings before a fine-tuning; by default all whose
    fields the model knows."""
    split: Literal["train", "validation", "test"] = "test"
    """Split whose trajectories are predicted."""
    samples: PositiveInt | None = None
    """Take at most this many trajectories of each store, the first ones."""
    start: NonNegativeInt = 0
    """First stored frame of the history that a rollout starts from."""
    steps: PositiveInt = 20
    """Number of stored frames to predict."""
    beyond: bool = False
    """Predict all `steps` even where the known trajectory ends earlier: frames beyond its end have
    no scores. Otherwise predictions end with it."""
    stride: PositiveInt = 1
    """Number of stored frames that each call of the model predicts."""
    history: PositiveInt | None = None
    """Number of past frames that the model reads; by default as in its training."""
    windows: PositiveInt = 256
    """Largest number of windows for one-step errors, evenly spread."""
    forecasts: tuple[ForecastConfig, ...] = Field(default_factory=_forecasts)
    """Training-free forecasts in the tables; persistence is always among them."""
    tokens: PositiveInt | None = None
    """Number of tokens of a frame; by default the budget that the model was trained with."""
    flops: PositiveFloat | None = None
    """Budget in floating-point operations of one call of the model for a sample, such as 2.5G; sets
    the number of tokens of a frame."""
    seconds: PositiveFloat | None = None
    """Target time of a call of the model with a whole batch on this machine, in seconds; sets the
    number of tokens of a frame."""
    compile: bool = False
    """Fuse the model's parts with torch.compile, which pays off for many calls."""
    batch_size: PositiveInt = 8
    """Number of trajectories or windows that are predicted together."""
    jitter: bool = False
    """Shift the grid of patches by a random number of points at each call of a rollout."""
    cycle: CycleName | None = None
    """Change the patch sizes from call to call of a rollout: `ladder` drops one size after another,
    `sizes` takes one uniform size after another."""
    limit: bool = True
    """Scale down predicted frames that spread more than 1.25 times as widely in space as training
    data."""
    blend: bool = True
    """Average the first frames with a local linear fit, as was chosen on validation data."""
    seed: NonNegativeInt = 0
    """Seed of the shifts of `jitter`."""
    out: Path | None = None
    """Folder of the predicted states, scores and pictures; by default `rollout` in the run, with
    the scores beside it."""
    plot: bool = False
    """Draw a picture of each store, which needs matplotlib."""
    animate: bool = False
    """Write a film of each store, which needs matplotlib: MP4 where ffmpeg is installed, or GIF."""
    field: str | None = None
    """Field that pictures and films show; by default the first of each store."""
