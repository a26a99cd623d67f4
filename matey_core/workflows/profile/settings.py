"""Settings of `matey profile`."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt, model_validator

from matey_core.config import Config
from matey_core.locations import Location


class ProfileConfig(Config):
    """Settings of a measurement, by default those of the newest run."""

    run: Path | None = None
    """Run or model directory whose settings are measured; by default the newest run, or a new
    model where no run is there, or the newest knows none of the stores."""
    runs: Path = Path("runs")
    """Folder of the runs."""
    data: Location = Path("data")
    """Folder or `s3://…` of the stores."""
    store: str | None = None
    """Name of the store whose windows are used; by default the first that fits."""
    preset: Literal["nano", "micro", "mini", "ti", "s", "b", "l"] | None = None
    """Size of the model, instead of the run's."""
    scheme: str | None = None
    """Attention scheme, instead of the run's."""
    tokenizer: str | None = None
    """Tokenizer, instead of the run's."""
    patch: tuple[PositiveInt, ...] | None = None
    """Points per axis of a cell, from coarse to fine, such as 32,8."""
    gamma: NonNegativeFloat | None = None
    """Refine the cells whose score is above this fraction of the largest score."""
    ratio: Annotated[float, Field(ge=0, le=1)] | None = None
    """Fraction of the cells that are refined, highest scores first."""
    tokens: PositiveInt | None = None
    """Number of tokens of a frame; cells are refined by falling score until it is reached."""
    grid: tuple[PositiveInt, ...] | None = None
    """Points per axis, such as 128,128; fields are synthetic unless a store has this grid."""
    fields: PositiveInt | None = None
    """Number of synthetic fields, instead of those of a store."""
    history: PositiveInt | None = None
    """Number of past frames that the model reads, instead of the run's."""
    batch_size: PositiveInt = 4
    """Windows of a step."""
    accumulate: PositiveInt = 1
    """Number of micro-batches that a step computes one after another: equal parts of the batch."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision of matrix products; `auto` takes the faster one here, as training does."""
    compare: bool = False
    """Measure every scheme with every tokenization."""
    seconds: PositiveFloat = 2.0
    """Time of the measured steps, in seconds; the parts are then profiled for as long again."""

    @model_validator(mode="after")
    def _check_parts(self) -> Self:
        if self.batch_size % self.accumulate:
            raise ValueError(
                f"a batch of {self.batch_size} cannot be cut into {self.accumulate} equal "
                "micro-batches; give a batch_size that is a multiple of accumulate"
            )
        return self
