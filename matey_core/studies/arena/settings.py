"""Settings of an arena: models, data, budget."""

from pathlib import Path
from typing import Any

from pydantic import Field, PositiveFloat, PositiveInt, model_validator

from matey_core.config import Config
from matey_core.locations import Location
from matey_core.studies.settings import ArmConfig
from matey_core.workflows.simulate import SimulateConfig


class ArenaConfig(Config):
    """Settings of a comparison of models on one data set after another."""

    data: Location | None = None
    """Folder of stores, or one store; by default the data of `simulations`."""
    store: tuple[str, ...] = ()
    """Names of stores, or of simulations; by default all that have several times and all three
    splits."""
    simulated: Path = Path("data/arena")
    """Folder of the simulated stores, used if no `data` are given; existing stores are kept."""
    simulations: dict[str, SimulateConfig] = Field(default_factory=dict)
    """Name → what `matey simulate` makes."""
    seconds: PositiveFloat = 120.0
    """Training time of every model, in seconds of the CPU over all threads, or of a GPU."""
    choice: PositiveFloat = Field(default=1 / 3, le=1)
    """Fraction of `seconds` for which each learning rate is tried, with the first seed."""
    seeds: PositiveInt = 3
    """Number of seeds; every model is trained with the seeds 0, 1, …"""
    frames: tuple[PositiveInt, ...] = (5, 10, 20)
    """Frames of the rollout that the tables show, beside the last one."""
    pretraining: dict[str, Any] = Field(default_factory=dict)
    """Settings of `matey pretrain` that all models share."""
    evaluation: dict[str, Any] = Field(default_factory=dict)
    """Settings of `matey rollout` on the test trajectories."""
    arms: dict[str, ArmConfig] = Field(min_length=1)
    """Models to compare, by name."""

    @model_validator(mode="after")
    def _check_arms(self) -> "ArenaConfig":
        if any(arm.forecast for arm in self.arms.values()):
            raise ValueError("forecasts are no models of an arena: they stand in every table of it")
        return self
