"""What `matey tokenize-inspect` can be told."""

from pathlib import Path

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from matey_core.config import Config
from matey_core.locations import Location


class InspectConfig(Config):
    """What to look at. What is not given comes from the newest run, or is the default."""

    source: Location | None = None
    """A store, a folder with stores, or an HDF5 file; by default the run's first store."""
    run: Path | None = None
    """Run or model directory whose tokenizer is shown, instead of the newest run's."""
    runs: Path = Path("runs")
    data: Location = Path("data")
    tokenizer: str | None = None
    patch: tuple[PositiveInt, ...] | None = None
    criterion: str | None = None
    gamma: NonNegativeFloat | None = None
    ratio: NonNegativeFloat | None = None
    tokens: PositiveInt | None = None
    flops: PositiveFloat | None = None
    """Operations of a sample, one forward pass: as many tokens as they buy."""
    field: str | None = None
    """The field that is drawn; all of them choose the cells."""
    sample: NonNegativeInt | None = None
    """Index of the trajectory; by default the first one of the test split."""
    time: NonNegativeInt | None = None
    """Index of the last frame that the model sees; by default the middle one."""
    history: PositiveInt | None = None
    survey: bool = False
    """Count tokens of many samples and times instead of drawing one."""
