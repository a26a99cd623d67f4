"""Settings of `matey finetune`."""

from pathlib import Path
from typing import Any

from pydantic import Field, PositiveInt, field_validator

from matey_core.finetuning import FinetuneModeConfig
from matey_core.locations import Location
from matey_core.optimizers import OptimizerConfig
from matey_core.runs.settings import TrainingConfig

LEARNING_RATE = 5e-4


class FinetuneConfig(TrainingConfig):
    """Which model, on what, and which of its parts."""

    source: Path | None = None
    """Run or model directory to start from; by default the newest pretraining run."""
    data: Location | None = None
    """Folder or `s3://…` of stores, or one store; by default the stores in ./data that the model
    has not seen, or all of them if it has seen them all."""
    default_data: Location = Path("data")
    """Where to look without `data`."""
    finetune: FinetuneModeConfig = Field(default_factory=FinetuneModeConfig.standard)
    """What may change."""
    n_samples: PositiveInt | None = None
    """Training trajectories of each store; a seeded choice, in which the smaller is part of the
    larger. By default all."""
    from_scratch: bool = False
    """Throw the trained weights away and train all of a new model: the control."""
    tokens: PositiveInt | None = None
    """Tokens of a frame, instead of the budget that the model was trained with."""
    history: PositiveInt | None = None
    """Frames that the model is given; by default as it was trained."""
    max_lead: PositiveInt | None = None
    """Largest lead time, in stored frames; by default as it was trained."""
    steps: PositiveInt = 200
    """Optimizer steps."""
    optimizer: OptimizerConfig = Field(
        default_factory=lambda: OptimizerConfig.choose({"learning_rate": LEARNING_RATE})
    )
    """How gradients change weights, by default with a lower learning rate than in pretraining."""

    @field_validator("optimizer", mode="before")
    @classmethod
    def _lower_rate(cls, part: Any) -> Any:
        """Lower the learning rate where a section of the optimizer does not name one."""
        if isinstance(part, str):
            part = {"name": part}
        return {"learning_rate": LEARNING_RATE, **part} if isinstance(part, dict) else part
