"""What `matey rollout` can be told."""

from pathlib import Path
from typing import Literal

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from matey_core.config import Config
from matey_core.inference import (
    CycleName,
)
from matey_core.locations import Location


class RolloutConfig(Config):
    """Which model, over which trajectories, how far."""

    run: Path | None = None
    """Run or model directory; by default the newest run."""
    runs: Path = Path("runs")
    """Folder of the runs."""
    data: Location | None = None
    """Folder of stores, instead of the stores that the run was trained on."""
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
    """Frames of the history, instead of those that the run was trained with."""
    windows: PositiveInt = 256
    """One-step errors are measured on all windows, or on this many, evenly spread."""
    tokens: PositiveInt | None = None
    """Tokens of a frame, instead of the budget that the model was trained with."""
    flops: PositiveFloat | None = None
    """Operations of a sample and call of the model: as many tokens as they buy on every store."""
    seconds: PositiveFloat | None = None
    """Of a call of the model with `batch_size` trajectories on this machine, likewise."""
    compile: bool = False
    """Fuse the model's parts with torch.compile: worth it for many calls."""
    batch_size: PositiveInt = 8
    """Trajectories, or windows, at once."""
    jitter: bool = False
    """Shift the grid of patches by a number of points that each call of a rollout draws."""
    cycle: CycleName | None = None
    """Let the calls of a rollout take other patch sizes in turn: `ladder` drops one size after
    another, `sizes` are uniform passes of each."""
    seed: NonNegativeInt = 0
    """Decides the shifts."""
    out: Path | None = None
    """Folder of the predicted states; by default `rollout` in the run."""
