"""What every model promises, and the base of all models' settings."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

from jaxtyping import Float
from torch import Tensor, nn

from matey_core.batches import FieldBatch, Prediction
from matey_core.config import PartConfig
from matey_core.errors import ConfigError
from matey_core.fields import GivenScale
from matey_core.models._blends import Blends
from matey_core.models._cost import Inputs
from matey_core.nn.given import GivenTable
from matey_core.registry import Registry

MODELS: Registry[type["ModelConfig"]] = Registry("matey_core.models")

Part = Literal["stem", "head", "fields", "attention"]
"""Parts of a model that parameters are counted and trained by."""


class ModelConfig(PartConfig):
    """Settings of a model; `variant` names it."""

    family: ClassVar[Registry[Any]] = MODELS
    default: ClassVar[str] = "pyramid"
    key: ClassVar[str] = "variant"
    sized_by: ClassVar[frozenset[str]] = frozenset()
    """Settings that say how large the model is, `preset` among them; empty where its size is not to
    follow from the time of a training."""

    variant: str
    """Model: `pyramid`, `matey`, `paper` (as published), or one of others, such as `fno`, `unet`,
    `oformer` and `deeponet`."""

    @property
    def label(self) -> str:
        """Model and size in a few characters, for titles."""
        return self.variant

    @classmethod
    def tiny(cls) -> "ModelConfig":
        """The smallest settings that still have all parts, for tests."""
        return cls.model_validate({})

    @abstractmethod
    def build(self, *, fields: Iterable[str], num_axes: Iterable[int]) -> "Model":
        """Make the model.

        Args:
            fields: names of the fields it shall know.
            num_axes: the numbers of space axes it shall know, such as (2,) or (1, 2, 3).

        Raises:
            ConfigError: the settings cannot work together.
        """


class Model(nn.Module, ABC):
    """A map from a history to later states that knows its fields by name."""

    profile_part: ClassVar[str] = "model"
    """What `matey profile` calls the time between the parts inside."""
    can_recompute: ClassVar[bool] = False
    """Whether `recompute` saves memory."""
    can_shard: ClassVar[bool] = True
    """Whether a batch uses the same weights in all processes, so that each may hold parts."""
    parts: ClassVar[Mapping[str, Part]] = {}
    """First word of a parameter's name → the part that it belongs to, unless it is `attention`."""

    def __init__(self, config: ModelConfig, fields: Iterable[str], num_axes: Iterable[int]) -> None:
        """Remember what the model knows.

        Args:
            config: settings that build such a model.
            fields: names of the known fields.
            num_axes: known numbers of space axes.
        """
        super().__init__()
        self.config = config
        self.fields = tuple(fields)
        self.num_axes = tuple(sorted(set(num_axes)))
        self.recompute = False
        """Keep only what enters each block for the backward pass, which computes the rest again."""
        self.given: GivenTable | None = None
        """What the model is given beside its history; None where it is nothing."""
        self.blends: Blends = {}
        """What of a training-free fit goes into the frame after known ones; empty for nothing."""

    @abstractmethod
    def forward(self, batch: FieldBatch) -> Prediction:
        """Predict the states at `batch.lead_steps`, in physical units.

        Raises:
            ShapeError: the grid is too small.
            ConfigError: the batch has a field or a number of axes the model does not know.
        """

    def check(self, batch: FieldBatch) -> None:
        """Refuse what the model has not learned.

        Raises:
            ConfigError: the batch has a field or a number of axes the model does not know.
        """
        unknown = [name for name in batch.spec.names if name not in self.fields]
        if unknown:
            raise ConfigError(
                f"The model does not know {', '.join(unknown)}; it knows {', '.join(self.fields)}.",
                remedy="Fine-tune it on data with these fields: `matey finetune` adds them.",
            )
        axes = batch.spec.grid.num_axes
        if axes not in self.num_axes:
            raise ConfigError(
                f"The model knows fields on {' or '.join(map(str, self.num_axes))} axes, not on "
                f"{axes}.",
                remedy="Fine-tune it on such data: `matey finetune` adds what is missing.",
            )
        if self.given is not None:
            self.given.check(batch)

    @property
    def given_width(self) -> int | None:
        """Length of the vectors that carry given quantities; None where the model takes none."""
        return None

    @property
    def given_scales(self) -> Mapping[str, GivenScale]:
        """Quantities that the model is given, by name."""
        return {} if self.given is None else self.given.scales

    def amplitude(self, batch: FieldBatch) -> Float[Tensor, " bl"] | None:
        """What a solution from zero is proportional to, for every (sample, lead) pair."""
        sizes = self.given.amplitude(batch) if self.given else None
        return None if sizes is None else sizes.repeat_interleave(batch.lead_steps.shape[1])

    def give(self, scales: Mapping[str, GivenScale]) -> None:
        """Learn to be given more beside the history, keeping every old prediction.

        Args:
            scales: names of static fields, parameters or `mask` → how they are normalized.

        Raises:
            ConfigError: such a model takes nothing but its history.
        """
        if not scales:
            return
        if self.given_width is None:
            raise ConfigError(
                f"The {self.config.variant} variant takes its history alone; given is "
                f"{', '.join(scales)}.",
                remedy="Leave given out, or train a model of another variant, such as pyramid.",
            )
        if self.given is None:
            self.given = GivenTable(self.given_width).to(next(self.parameters()).device)
        self.given.append(scales)

    @abstractmethod
    def extend(self, *, fields: Iterable[str], num_axes: Iterable[int]) -> None:
        """Learn new fields and numbers of axes, keeping every old weight and prediction."""

    def part_of(self, parameter: str) -> Part:
        """Say which part a parameter, by its name in `named_parameters`, belongs to.

        `attention` is all that the first three are not: blocks, positions, lead time.
        """
        word = parameter.partition(".")[0]
        return "fields" if word == "given" else self.parts.get(word, "attention")

    def compiled_parts(self) -> Iterable[nn.Module]:
        """Modules that may be compiled one by one; none where compiling does not pay."""
        return ()

    def flops(self, inputs: Inputs) -> int | None:
        """Operations of a sample at one lead time, forward, by a formula.

        As in `count_flops`, what is done element by element is not counted.

        Args:
            inputs: grid, fields and frames.

        Returns:
            None where there is no formula, or the number follows from the values of the fields.
        """
        return None

    @property
    def kernel(self) -> str | None:
        """Name of the kernel that computes attention; None without attention."""
        return None
