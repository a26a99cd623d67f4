"""Settings of `matey tokenize-inspect`."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from matey_core.config import Config
from matey_core.locations import Location


class InspectConfig(Config):
    """What to look at. What is not given comes from the newest run, or is the default."""

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
    """How fields are cut into tokens, instead of the model's way."""
    patch: tuple[PositiveInt, ...] | None = None
    """Points per axis of a cell, from coarse to fine, such as 32,8."""
    criterion: str | None = None
    """What scores cells, instead of the model's criterion; or the largest of several, such as
    `gradient+innovation`."""
    gamma: NonNegativeFloat | None = None
    """Refine cells that score above this fraction of the largest score."""
    ratio: Annotated[float, Field(ge=0, le=1)] | None = None
    """Refine this fraction of the cells, worst first."""
    tokens: PositiveInt | None = None
    """Tokens of a frame: as many cells are refined, worst first, as make these."""
    flops: PositiveFloat | None = None
    """Operations of a sample, one forward pass, such as 2.5G: as many tokens as they pay for."""
    field: str | None = None
    """The field that is drawn; all of them choose the cells."""
    sample: NonNegativeInt | None = None
    """Index of the trajectory; by default the first one of the test split."""
    time: NonNegativeInt | None = None
    """Index of the last frame that the model sees; by default the middle one."""
    history: PositiveInt | None = None
    """Frames that choose the cells; by default as the run was trained, or 4."""
    survey: bool = False
    """Count the tokens of all test samples at many times instead of drawing one."""
