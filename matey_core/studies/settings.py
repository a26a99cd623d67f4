"""Settings of a study: shared settings, axes, arms, budget, rules and claims."""

from pathlib import Path
from typing import Any

from pydantic import Field, PositiveFloat, model_validator

from matey_core.config import Config
from matey_core.forecasts import ForecastConfig
from matey_core.studies.rules import RuleConfig, StudyBudgetConfig
from matey_core.studies.verdicts import VerdictConfig


class ArmConfig(Config):
    """Settings of one arm of a study."""

    settings: dict[str, Any] = Field(default_factory=dict)
    """Settings that distinguish the arm, by their path."""
    learning_rates: tuple[PositiveFloat, ...] = ()
    """Learning rates to try with this arm, instead of those of the rules."""
    label: str = ""
    """Name in tables and sentences; by default the arm's name."""
    forecast: ForecastConfig | None = None
    """Forecast that takes the place of a model, and is not trained."""
    fitted: bool = False
    """Fit the forecast to the training trajectories of the cell, rather than to each history."""

    @model_validator(mode="after")
    def _check_forecast(self) -> "ArmConfig":
        if self.forecast is None and self.fitted:
            raise ValueError("fitted is about a forecast, and there is none")
        if self.forecast is not None and (self.settings or self.learning_rates):
            raise ValueError("a forecast has neither settings of trainings nor learning rates")
        return self


class StudyConfig(Config):
    """Settings of a study: shared settings, what is varied, what is claimed.

    Paths such as `model.width` mean the one training that has the setting; otherwise they begin
    with `pretraining`, `finetuning` or `evaluation`.
    """

    name: str = Field(default="study", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """Name of the study, part of its folder's name; by default the file's name."""
    title: str = ""
    """Title of the report."""
    simulation: dict[str, Any] = Field(default_factory=dict)
    """Settings of `matey simulate` that all simulations share."""
    simulations: dict[str, tuple[dict[str, Any], ...]] = Field(default_factory=dict)
    """Name → settings of the stores that `matey simulate` makes under it. The name can stand
    wherever `data` are asked for."""
    simulated: Path = Path("data")
    """Folder of the simulations, one folder a name; existing stores are kept."""
    pretraining: dict[str, Any] = Field(default_factory=dict)
    """Settings of `matey pretrain` that all cells share."""
    finetuning: dict[str, Any] | None = None
    """Settings of `matey finetune` that all cells share; without this section, no cell is
    fine-tuned. With a `source`, nothing is pretrained but for arms that set pretraining."""
    evaluation: dict[str, Any] = Field(default_factory=dict)
    """Settings of `matey rollout` on the test trajectories."""
    axes: dict[str, Any] = Field(default_factory=dict)
    """Path of a setting → its values. Axes named `seed` are repetitions; results are medians over
    them."""
    arms: dict[str, ArmConfig] = Field(min_length=1)
    """Arms to compare, by name."""
    budget: StudyBudgetConfig = StudyBudgetConfig()
    rules: RuleConfig = RuleConfig()
    verdicts: tuple[VerdictConfig, ...] = ()
    """Claims that the report judges."""
