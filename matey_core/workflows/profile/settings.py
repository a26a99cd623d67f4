"""Settings of `matey profile`."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from matey_core.config import Config
from matey_core.locations import Location


class ProfileConfig(Config):
    """What to measure. What is not given comes from the newest run, or is the default."""

    run: Path | None = None
    """Run or model directory whose settings are measured; by default the newest run, or a new
    model where there is none."""
    runs: Path = Path("runs")
    """Folder of the runs."""
    data: Location = Path("data")
    """Folder or `s3://…` of the stores."""
    store: str | None = None
    """Name of the store whose windows are used; by default the first that fits."""
    preset: Literal["ti", "s", "b", "l"] | None = None
    """Size of the model, instead of the run's."""
    scheme: str | None = None
    """Who attends to whom, instead of the run's scheme."""
    tokenizer: str | None = None
    """How fields are cut into tokens, instead of the run's way."""
    patch: tuple[PositiveInt, ...] | None = None
    """Points per axis of a cell, from coarse to fine, such as 32,8."""
    gamma: NonNegativeFloat | None = None
    """Refine cells that score above this fraction of the largest score."""
    ratio: Annotated[float, Field(ge=0, le=1)] | None = None
    """Refine this fraction of the cells, worst first."""
    tokens: PositiveInt | None = None
    """Tokens of a frame: as many cells are refined, worst first, as make these."""
    grid: tuple[PositiveInt, ...] | None = None
    """Points per axis, such as 128,128; fields are then made by formula unless a store has this
    grid."""
    fields: PositiveInt | None = None
    """Number of fields; they are then made by formula."""
    history: PositiveInt | None = None
    """Frames that the model sees, instead of the run's."""
    batch_size: PositiveInt = 4
    """Windows of a step."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of matrix products; `auto` takes what is faster here, as training does."""
    compare: bool = False
    """Measure every scheme with every tokenization."""
    seconds: PositiveFloat = 2.0
    """Seconds of steps; as long again to watch the parts."""
