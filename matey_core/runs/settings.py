"""Settings that pretraining and fine-tuning share."""

from pathlib import Path
from typing import Any, Literal

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from matey_core.augmentations import AugmentationConfig
from matey_core.config import Config
from matey_core.data.mixture import EXPONENT
from matey_core.data.windows import Leads
from matey_core.distributed import StrategyConfig
from matey_core.loggers import LoggerConfig
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
    accumulate: PositiveInt = 1
    """Number of micro-batches that a step computes one after another: equal parts of the batch. The
    memory is that of one; the gradients are averaged, as those of the whole batch are."""
    steps: PositiveInt = 400
    """Optimizer steps."""
    minutes: PositiveFloat | None = None
    """Time of the whole training on this machine, in minutes, validations and checkpoints included,
    instead of a number of steps. Learning rate and objective follow the share of the time used."""
    given: tuple[str, ...] = ()
    """Names of what the model is given beside its history: static fields, parameters, `mask` for
    solid cells, `size` for how large its fields are. Fields that are given are not predicted."""
    given_source: str | None = None
    """Name of what is given that solutions are proportional to, such as `source`; its size then
    scales each sample. By default all samples have one scale."""
    given_role: Literal["linear", "joint"] = "linear"
    """What a source's size does: `linear` divides the source and multiplies the solution by it, and
    is exact for linear equations; `joint` divides all that is given."""
    leads: Leads = "all"
    """Windows to train on: with `all`, those with a frame at every lead time up to `max_lead`; with
    `available`, every window with a next frame, which draws one of the lead times that it has."""
    draw: Literal["change", "uniform"] = "change"
    """Windows that batches are drawn from: with `change`, half of the draws follow how much the
    fields change there, relative to what they are; with `uniform`, every window is as likely."""
    loss: LossConfig = Field(default_factory=LossConfig.standard)
    """Loss: the measure of error that training minimizes."""
    objective: ObjectiveConfig = Field(default_factory=ObjectiveConfig.standard)
    """Objective: how training calls the model for the loss, once or several times in a row."""
    optimizer: OptimizerConfig = Field(default_factory=OptimizerConfig.standard)
    """Optimizer: how gradients change weights, with its learning rate."""
    schedule: ScheduleConfig = Field(default_factory=ScheduleConfig.standard)
    """Schedule: how the learning rate changes during the training."""
    clip: PositiveFloat = 1.0
    """Largest norm of a gradient; a larger gradient is scaled down to this norm."""
    ema: float | None = Field(default=None, gt=0, lt=1)
    """Decay per step of a moving average of the weights, such as 0.999. The average is validated
    and saved as the model instead of the weights; by default there is none."""
    rollbacks: NonNegativeInt = 2
    """How often a training that has diverged goes back to its last checkpoint, each time with half
    the learning rate; after that it ends."""
    augment: tuple[AugmentationConfig, ...] = ()
    """Random changes of training batches, in the order given. All except `noise` assume that the
    equations have the symmetry. With `noise`, rollouts of models that are trained on one step run
    further before they blow up, and single steps are worse."""
    strategy: StrategyConfig | None = None
    """Strategy that spreads training over processes; by default `single` for one process and `ddp`
    for several."""
    jitter: bool = False
    """Shift the grid of patches by a random number of points at every step, so that the model does
    not learn where patches meet. Bounded axes then have one coarse patch more."""
    mix_exponent: NonNegativeFloat = EXPONENT
    """Power of a store's number of windows that is its sampling weight, unless `weights` are given:
    0 draws all stores alike, 1 in proportion to their windows."""
    weights: dict[str, NonNegativeFloat] = Field(default_factory=dict)
    """Sampling weights of stores by name, such as NAME=2,OTHER=0.5; stores not named have 1.
    Without weights, `mix_exponent` decides."""
    flops: PositiveFloat | None = None
    """Budget in floating-point operations of one forward pass of a sample, such as 2.5G; sets the
    number of tokens of a frame, instead of the tokenizer's budget."""
    seconds: PositiveFloat | None = None
    """Target time of a training step on this machine, in seconds; sets the number of tokens of a
    frame. Steps with a few numbers of tokens are timed first."""
    tokens_range: tuple[PositiveInt, PositiveInt] | None = None
    """Smallest and largest number of tokens of a frame; each batch draws one of eight numbers
    between them. The model then works with any of these numbers."""
    compile: bool = False
    """Fuse the model's parts with torch.compile: the first steps on each store take longer, the
    others less. Needs a fixed number of tokens; with γ it does nothing."""
    workers: NonNegativeInt = 2
    """Threads of each process that read batches ahead; with 0, every step waits for its batch."""
    seed: NonNegativeInt = 0
    """Seed of initial weights, batches and subsets."""
    validate_every: PositiveInt | None = None
    """Steps from one validation and checkpoint to the next; by default a fifth of all steps, or of
    the minutes."""
    checkpoint_every: PositiveInt | None = None
    """Steps from one further checkpoint to the next; by default `checkpoint_minutes` decides."""
    checkpoint_minutes: PositiveFloat = 10.0
    """Minutes after which a further checkpoint is written, if there was none meanwhile."""
    logger: tuple[LoggerConfig, ...] = ()
    """Trackers of experiments that are told how the training goes."""
    max_hours: PositiveFloat | None = None
    """Hours after which this start saves and ends with exit code 143, so that --resume can go on.
    They count from the start of the command; by default there is no limit."""
    validation_batches: PositiveInt = 4
    """Number of batches of each store and lead time in a validation."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision of the model; `auto` takes bfloat16 where it is measured to be faster than float32
    and close to it."""
    recompute: bool = False
    """Keep only the input of each block for the backward pass, which computes the rest again: less
    memory, more time, the same results."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Device; `auto` takes GPUs if there are any."""
    sequence_parallel: PositiveInt = 1
    """Number of processes that share every sample; each holds a part of its tokens and of the
    memory. The results are those of one process."""

    @model_validator(mode="after")
    def _check_length(self) -> "TrainingConfig":
        if self.minutes is not None and "steps" in self.model_fields_set:
            raise ValueError("give one of minutes and steps, not both")
        return self

    @model_serializer(mode="wrap")
    def _one_length(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Leave out steps where minutes decide, and minutes where they do not."""
        values: dict[str, Any] = write(self)
        values.pop("minutes" if self.minutes is None else "steps", None)
        return values

    @model_validator(mode="after")
    def _check_budget(self) -> "TrainingConfig":
        if self.batch_size % self.accumulate:
            raise ValueError(
                f"accumulate takes a divisor of batch_size, which is {self.batch_size}, not "
                f"{self.accumulate}"
            )
        if self.ema is not None and self.optimizer.part == "schedule_free":
            raise ValueError("schedule_free averages the weights by itself; leave ema out")
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

    @property
    def length(self) -> dict[str, int | float]:
        """The setting that says how long the training is: `steps`, or `minutes` in their place."""
        return {"steps": self.steps} if self.minutes is None else {"minutes": self.minutes}

    def targets(self, lead: int, step: int) -> tuple[int, ...]:
        """Leads of the targets of a sample whose lead was drawn, at a step."""
        return self.objective.lead_steps(lead, progress=step / max(self.steps, 1))

    def is_validation(self, step: int) -> bool:
        """Whether the model is validated after this step; it always is after the last."""
        return step == self.steps or step % (self.validate_every or max(1, self.steps // 5)) == 0

    def is_checkpoint(self, step: int) -> bool:
        """Whether a checkpoint is written after this step, which it is at every validation."""
        is_extra = self.checkpoint_every is not None and step % self.checkpoint_every == 0
        return is_extra or self.is_validation(step)
