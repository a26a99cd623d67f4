"""The common budget of all arms, and the rules by which cells are scored."""

from typing import Any, Literal

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from matey_core.cells import Equal
from matey_core.config import Config

ClockName = Literal["wall", "cpu"]
Metric = Literal["nrmse", "vrmse", "rollout", "last"]


class StudyBudgetConfig(Config):
    """Budget of every arm in the last training of a cell, which is compared."""

    equal: tuple[Equal, ...] = Field(default=("steps",), min_length=1)
    """Quantity that is equal for all arms: `steps`, `seconds`, or both in turn."""
    steps: PositiveInt | None = None
    """Training steps of every cell at equal steps; by default as many as the reference arm takes in
    `seconds`, or those of the shared settings."""
    seconds: PositiveFloat | None = None
    """Training time of every cell at equal seconds, in seconds; divided by the measured time of a
    step."""

    clock: ClockName = "wall"
    """Clock that seconds are measured by: on the wall, or of the CPU over all threads, which a busy
    machine changes little."""

    @model_validator(mode="after")
    def _check_seconds(self) -> "StudyBudgetConfig":
        if "seconds" in self.equal and self.seconds is None:
            raise ValueError("equal seconds need `seconds`, such as seconds = 600")
        return self


class RuleConfig(Config):
    """Rules by which cells are chosen, scored and summarized."""

    metric: Metric = "nrmse"
    """Error that decides: one-step nRMSE or VRMSE, the mean nRMSE of a rollout's frames, or that of
    its last frame."""
    reference: str = ""
    """Name of the reference arm of ratios; by default the first arm."""
    rollout_frames: PositiveInt | None = None
    """Number of first frames that score a rollout; by default all."""
    learning_rates: tuple[PositiveFloat, ...] = ()
    """Learning rates that every arm is trained with, by default that of the settings; the best one
    on validation data counts."""
    exclude: tuple[dict[str, Any], ...] = ()
    """Cells to leave out, each by its `arm` and values of axes."""
    intervals: Literal["auto", "range", "bootstrap"] = "auto"
    """Interval around a median: `range` is the smallest and largest value of all seeds, `bootstrap`
    95 % of resampled medians. `auto` takes `range` below five seeds, else `bootstrap`."""
    uninformative: PositiveFloat = 0.9
    """Error above which an arm has failed; where all arms have, no claim is judged."""
