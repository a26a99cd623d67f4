"""What every arm gets alike, and how cells are scored and summed up."""

from typing import Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from matey_core.config import Config
from matey_core.studies.cells import Equal

Metric = Literal["nrmse", "vrmse", "rollout"]


class StudyBudgetConfig(Config):
    """What every arm gets alike, in the training that is compared: the last one of a cell."""

    equal: tuple[Equal, ...] = Field(default=("steps",), min_length=1)
    """At equal steps, at equal seconds, or both, one comparison after the other."""
    steps: PositiveInt | None = None
    """Of every cell at equal steps; by default as many as the reference arm takes in `seconds`,
    or those of the shared settings."""
    seconds: PositiveFloat | None = None
    """Of every cell at equal seconds: as many steps as fit in, by the measured time of a step."""

    @model_validator(mode="after")
    def _check_seconds(self) -> "StudyBudgetConfig":
        if "seconds" in self.equal and self.seconds is None:
            raise ValueError("equal seconds need `seconds`, such as seconds = 600")
        return self


class RuleConfig(Config):
    """How cells are chosen, scored and summed up."""

    metric: Metric = "nrmse"
    """Which error decides: of one step, or the mean nRMSE of the frames of a rollout."""
    reference: str = ""
    """Name of the arm that ratios are to; by default the first."""
    rollout_frames: PositiveInt | None = None
    """Score a rollout by its first frames alone; by default by all."""
    learning_rates: tuple[PositiveFloat, ...] = ()
    """Every arm is trained with each, and the one that is best on validation data counts; by
    default there is one, that of the settings."""
    exclude: tuple[dict[str, Any], ...] = ()
    """Cells that are left out: those whose `arm` and values of axes are all as given."""
    intervals: Literal["auto", "range", "bootstrap"] = "auto"
    """`range`: smallest and largest value of a seed. `bootstrap`: 95 % of the medians of seeds
    drawn again. `auto`: the first below five seeds."""
    uninformative: PositiveFloat = 0.9
    """Where the error of every arm is above this, nothing is judged."""
