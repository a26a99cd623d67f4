"""What `matey profile` can be told."""

from pathlib import Path
from typing import Literal

from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from matey_core.config import Config
from matey_core.locations import Location


class ProfileConfig(Config):
    """What to measure. What is not given comes from the newest run, or is the default."""

    run: Path | None = None
    """Run or model directory whose settings are measured, instead of the newest run's."""
    runs: Path = Path("runs")
    """Folder of the runs."""
    data: Location = Path("data")
    """Folder of the stores."""
    store: str | None = None
    """Name of the store whose windows are used, instead of the first that fits."""
    preset: Literal["ti", "s", "b", "l"] | None = None
    """Size of the model."""
    scheme: str | None = None
    """Who attends to whom."""
    tokenizer: str | None = None
    """How fields are cut into tokens."""
    patch: tuple[PositiveInt, ...] | None = None
    """Points per axis of a cell, from coarse to fine."""
    gamma: NonNegativeFloat | None = None
    """Refine cells that score above this fraction of the largest score."""
    ratio: NonNegativeFloat | None = None
    """Refine this fraction of the cells."""
    tokens: PositiveInt | None = None
    """Refine as many cells as this number of tokens a frame allows."""
    grid: tuple[PositiveInt, ...] | None = None
    """Points per axis; fields are then made by formula unless a store has this grid."""
    fields: PositiveInt | None = None
    """Number of fields; they are then made by formula."""
    history: PositiveInt | None = None
    """Frames that the model sees."""
    batch_size: PositiveInt = 4
    """Windows of a step."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of matrix products; `auto` takes what is faster here, as training does."""
    compare: bool = False
    """Measure every scheme with every tokenization."""
    seconds: PositiveFloat = 2.0
    """Time for plain steps, and as long again for steps watched part by part."""
