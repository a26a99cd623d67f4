"""Settings of `matey finetune`."""

from pathlib import Path

from pydantic import Field, NonNegativeInt, PositiveInt

from matey_core.finetuning import FinetuneModeConfig
from matey_core.locations import Location
from matey_core.runs.settings import TrainingConfig
from matey_core.runs.subset import SubsetRule


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
    subset: SubsetRule = "seed"
    """What chooses them: with `seed`, it alone, so every store has the same places; with `store`,
    as before, its fingerprint as well."""
    borrow: bool = True
    """Let a field that is new to the model begin as a copy of the known field that is most like it:
    the same quantity, or the component of a velocity along the same axis of the grid. Time steps
    beyond those that the model has seen count as the nearest of them."""
    from_scratch: bool = False
    """Train a new model of the same kind from random weights, as a control experiment."""
    tokens: PositiveInt | None = None
    """Number of tokens of a frame, instead of the budget that the model was trained with."""
    history: PositiveInt | None = None
    """Number of past frames that the model reads; by default as in its training."""
    max_lead: PositiveInt | None = None
    """Largest lead time, in stored frames; by default as in its training."""
    steps: NonNegativeInt = 200
    """Optimizer steps; with 0 the model learns the names of new fields and nothing else."""
