"""What a study is: settings that all cells share, axes, arms and rules, as a TOML file has them."""

from typing import Any

from pydantic import Field, PositiveFloat

from matey_core.config import Config
from matey_core.studies.rules import RuleConfig, StudyBudgetConfig
from matey_core.studies.verdicts import VerdictConfig


class ArmConfig(Config):
    """One of the things compared."""

    settings: dict[str, Any] = Field(default_factory=dict)
    """What tells the arm apart, by setting path."""
    learning_rates: tuple[PositiveFloat, ...] = ()
    """Tried with this arm, instead of those of the rules."""
    label: str = ""
    """As in tables and sentences; by default the arm's name."""


class StudyConfig(Config):
    """What all cells share, what is varied, and what is claimed.

    Paths such as `model.width` mean the one training that has the setting; otherwise they begin
    with `pretraining`, `finetuning` or `evaluation`.
    """

    name: str = Field(default="study", pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")
    """As in names of folders."""
    title: str = ""
    """Of the report."""
    pretraining: dict[str, Any] = Field(default_factory=dict)
    """Settings of `matey pretrain` that all cells share."""
    finetuning: dict[str, Any] | None = None
    """Settings of `matey finetune` that all cells share; without them nothing is fine-tuned."""
    evaluation: dict[str, Any] = Field(default_factory=dict)
    """Settings of `matey rollout` on the test trajectories."""
    axes: dict[str, Any] = Field(default_factory=dict)
    """Setting path → its values. Axes named `seed` are repetitions, over which is summed up."""
    arms: dict[str, ArmConfig] = Field(min_length=1)
    """What is compared, by name."""
    budget: StudyBudgetConfig = StudyBudgetConfig()
    rules: RuleConfig = RuleConfig()
    verdicts: tuple[VerdictConfig, ...] = ()
    """What is claimed, and shall be judged."""
