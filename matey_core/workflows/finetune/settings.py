"""Settings of `matey finetune`."""

from pathlib import Path
from typing import Any

from pydantic import Field, PositiveInt, field_validator

from matey_core.finetuning import FinetuneModeConfig
from matey_core.locations import Location
from matey_core.optimizers import OPTIMIZERS, OptimizerConfig
from matey_core.runs.settings import TrainingConfig

LEARNING_RATE = 2e-3
"""Learning rate of fine-tuning with the usual optimizer."""
LOWERED = 0.5
"""Learning rate of fine-tuning, where none is given, relative to the optimizer's own."""


class FinetuneConfig(TrainingConfig):
    """Settings of a fine-tuning: the model, its data, and what trains."""

    source: Path | None = None
    """Run or model directory to start from; by default the newest pretraining run."""
    data: Location | None = None
    """Folder or `s3://…` of stores, or one store; by default the stores in ./data that the model
    has not seen, or all of them if it has seen them all."""
    default_data: Location = Path("data")
    """Folder that is searched when `data` is not given."""
    finetune: FinetuneModeConfig = Field(default_factory=FinetuneModeConfig.standard)
    """Fine-tuning mode: which weights train, and how they are saved."""
    n_samples: PositiveInt | None = None
    """Number of training trajectories of each store, chosen by the seed; a smaller choice is part
    of a larger one. By default all."""
    borrow: bool = True
    """Let a field that is new to the model begin as a copy of the known field that is most like it:
    the same quantity, or the component of a velocity along the same axis of the grid."""
    from_scratch: bool = False
    """Train a new model of the same kind from random weights, as a control experiment."""
    tokens: PositiveInt | None = None
    """Number of tokens of a frame, instead of the budget that the model was trained with."""
    history: PositiveInt | None = None
    """Number of past frames that the model reads; by default as in its training."""
    max_lead: PositiveInt | None = None
    """Largest lead time, in stored frames; by default as in its training."""
    steps: PositiveInt = 200
    """Optimizer steps."""
    optimizer: OptimizerConfig = Field(
        default_factory=lambda: OptimizerConfig.choose({"learning_rate": LEARNING_RATE})
    )
    """Optimizer, by default with a lower learning rate than in pretraining."""

    @field_validator("optimizer", mode="before")
    @classmethod
    def _lower_rate(cls, part: Any) -> Any:
        """Lower the learning rate where a section of the optimizer does not name one."""
        part = {"name": part} if isinstance(part, str) else part
        return _lowered(part) if isinstance(part, dict) else part


def _lowered(section: dict[str, Any]) -> dict[str, Any]:
    """Add the rate of fine-tuning to an optimizer's section that names none."""
    name = section.get("name", OptimizerConfig.default)
    if name not in OPTIMIZERS:
        return section  # is refused later
    return {"learning_rate": LOWERED * OPTIMIZERS[name]().learning_rate, **section}
