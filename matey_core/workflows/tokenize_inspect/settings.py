"""Settings of `matey tokenize-inspect`."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from matey_core.config import Config
from matey_core.locations import Location


class InspectConfig(Config):
    """Settings of an inspection, by default those of the newest run."""

    source: Location | None = None
    """A store (path, URL, or its name in ./data/zarr), or a source file; by default the first
    store of the newest run, or of ./data without a run."""
    run: Path | None = None
    """Run or model directory whose settings are shown; by default the newest run, or the default
    settings where its model cuts no cells."""
    runs: Path = Path("runs")
    """Folder of the runs."""
    data: Location = Path("data")
    """Folder or `s3://…` of the stores."""
    tokenizer: str | None = None
    """Tokenizer, instead of the model's."""
    patch: tuple[PositiveInt, ...] | None = None
    """Points per axis of a cell, from coarse to fine, such as 32,8."""
    criterion: str | None = None
    """Criterion that scores cells, instead of the model's; or the largest score of several, such as
    `gradient+innovation`."""
    gamma: NonNegativeFloat | None = None
    """Refine the cells whose score is above this fraction of the largest score."""
    ratio: Annotated[float, Field(ge=0, le=1)] | None = None
    """Fraction of the cells that are refined, highest scores first."""
    tokens: PositiveInt | None = None
    """Number of tokens of a frame; cells are refined by falling score until it is reached."""
    flops: PositiveFloat | None = None
    """Budget in floating-point operations of one forward pass of a sample, such as 2.5G; sets the
    number of tokens of a frame."""
    field: str | None = None
    """Field that is drawn; all fields decide the cells."""
    sample: NonNegativeInt | None = None
    """Index of the trajectory; by default the first one of the test split."""
    time: NonNegativeInt | None = None
    """Index of the last frame that the model reads; by default the middle one."""
    history: PositiveInt | None = None
    """Number of past frames that decide the cells; by default as in the run's training, or 4."""
    survey: bool = False
    """Count the tokens of all test trajectories at many times instead of drawing a map."""
