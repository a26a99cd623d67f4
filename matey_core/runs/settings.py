"""Settings that pretraining and fine-tuning share."""

from pathlib import Path
from typing import Literal

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from matey_core.augmentations import AugmentationConfig
from matey_core.config import Config
from matey_core.data.mixture import EXPONENT
from matey_core.distributed import StrategyConfig
from matey_core.losses import LossConfig
from matey_core.objectives import ObjectiveConfig
from matey_core.optimizers import OptimizerConfig
from matey_core.schedules import ScheduleConfig


class TrainingConfig(Config):
    """How a model is optimized, and where the run goes."""

    runs: Path = Path("runs")
    """Folder of runs."""
    name: str | None = None
    """Name of the run's folder; without it, runs are numbered."""
    batch_size: PositiveInt = 8
    """Windows of one step, over all processes together."""
    steps: PositiveInt = 400
    """Optimizer steps."""
    loss: LossConfig = Field(default_factory=LossConfig.standard)
    """What an error is."""
    objective: ObjectiveConfig = Field(default_factory=ObjectiveConfig.standard)
    """How the model is called for the loss: once, or on what it predicted before."""
    optimizer: OptimizerConfig = Field(default_factory=OptimizerConfig.standard)
    """How gradients change weights, and how far a step goes."""
    schedule: ScheduleConfig = Field(default_factory=ScheduleConfig.standard)
    """How the learning rate changes while training."""
    clip: PositiveFloat = 1.0
    """Longest gradient: longer ones are shortened to this norm."""
    augment: tuple[AugmentationConfig, ...] = Field(
        default_factory=lambda: (AugmentationConfig.standard(),)
    )
    """What is done to training batches, in the order given. All but the noise presume that the
    physics has the symmetry; with it, rollouts run further before they blow up."""
    strategy: StrategyConfig | None = None
    """How training is spread over processes; by default by their number."""
    jitter: bool = False
    """Shift the grid of patches by a number of points that each step draws, so that the model
    does not learn where patches meet. Bounded axes then take one coarse patch more."""
    mix_exponent: NonNegativeFloat = EXPONENT
    """Without `weights`, a store is drawn with a weight of its windows to this power: 0 draws all
    stores alike, 1 in proportion to their windows."""
    weights: dict[str, NonNegativeFloat] = Field(default_factory=dict)
    """Weights of stores by name, such as NAME=2,OTHER=0.5; 1 for those not named. Without any,
    the `mix_exponent` decides."""
    flops: PositiveFloat | None = None
    """Operations of a sample, one forward pass, such as 2.5G: as many tokens a frame as they pay
    for on every store, instead of the tokenizer's own budget."""
    seconds: PositiveFloat | None = None
    """Target time of a training step on this machine, in seconds, which sets the number of tokens
    likewise. A few numbers of tokens are measured first."""
    tokens_range: tuple[PositiveInt, PositiveInt] | None = None
    """Fewest and most tokens of a frame: each batch draws one of eight numbers between them, so
    that the model works with any of them afterwards."""
    compile: bool = False
    """Fuse the model's parts with torch.compile: the first steps on each store take longer, the
    others less. Needs a fixed number of tokens; with γ it does nothing."""
    workers: NonNegativeInt = 2
    """Threads of each process that read batches ahead; with 0, every step waits for its own."""
    seed: NonNegativeInt = 0
    """Decides initial weights, batches and subsets."""
    validate_every: PositiveInt | None = None
    """Steps from one validation and checkpoint to the next; by default a fifth of all."""
    checkpoint_every: PositiveInt | None = None
    """Steps from one further checkpoint to the next; by default there are none."""
    validation_batches: PositiveInt = 4
    """Batches of each store and lead time that a validation looks at."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """`auto` takes bfloat16 where it is measured to be faster and close to float32."""
    recompute: bool = False
    """Keep only what enters each block for the backward pass, which computes the rest again:
    less memory, more time, the same results."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to compute; `auto` takes GPUs if there are any."""
    sequence_parallel: PositiveInt = 1
    """Processes that share every sample: each has a part of its tokens, and so of the memory. The
    results are those of one."""

    @model_validator(mode="after")
    def _check_budget(self) -> "TrainingConfig":
        if self.sequence_parallel > 1 and self.seconds is not None:
            raise ValueError(
                "seconds are measured in one process that has whole samples; give tokens or flops "
                f"where {self.sequence_parallel} processes share them"
            )
        if self.tokens_range and self.tokens_range[0] > self.tokens_range[1]:
            raise ValueError(f"tokens_range goes from few to many, not {self.tokens_range}")
        for budgets in (("flops", "seconds", "tokens_range"), ("flops", "seconds", "tokens")):
            given = [key for key in budgets if getattr(self, key, None) is not None]
            if len(given) > 1:
                raise ValueError(f"give one of {', '.join(budgets)}, not {' and '.join(given)}")
        return self

    def targets(self, lead: int, step: int) -> tuple[int, ...]:
        """Leads of the targets of a sample whose lead was drawn, at a step."""
        return self.objective.lead_steps(lead, progress=step / self.steps)

    def is_validation(self, step: int) -> bool:
        """Whether the model is validated after this step; it always is after the last."""
        return step == self.steps or step % (self.validate_every or max(1, self.steps // 5)) == 0

    def is_checkpoint(self, step: int) -> bool:
        """Whether a checkpoint is written after this step, which it is at every validation."""
        is_extra = self.checkpoint_every is not None and step % self.checkpoint_every == 0
        return is_extra or self.is_validation(step)
