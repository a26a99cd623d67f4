"""How a run trains: its loss, its objective and its optimizer."""

from matey_core.config import validate
from matey_core.objectives.one_step import OneStepConfig
from matey_core.runs.settings import TrainingConfig
from matey_core.runs.trained import Trained
from matey_core.runs.upgrade import upgraded_run
from matey_core.store import Store

PARTS = ("loss", "objective", "optimizer")
"""Settings of a run that decide what a step of it costs, beside those of the model."""


def method_of(trained: Trained | None, store: Store | None) -> TrainingConfig:
    """Read how a run trains; the defaults where there is none, or only a model directory.

    An objective that reads parameters of stores becomes one call of the model where there is none.

    Raises:
        ConfigError: the run's settings cannot be read.
    """
    path = trained.out / "config.toml" if trained else None
    if path is None or not path.is_file():
        return TrainingConfig()
    values = upgraded_run(TrainingConfig, path)
    own = {key: values[key] for key in PARTS if key in values}
    config = validate(TrainingConfig, own, source=str(path))
    if store is not None or not config.objective.reads:
        return config
    return config.model_copy(update={"objective": OneStepConfig()})
