"""What every model promises, and the settings that the two variants share."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import ClassVar, Literal, NamedTuple

from jaxtyping import Int
from pydantic import Field, PositiveFloat, PositiveInt
from torch import Tensor, nn

from matey_core.batches import FieldBatch, Prediction
from matey_core.config import Config
from matey_core.criteria import Estimate
from matey_core.errors import ConfigError
from matey_core.fields import Grid
from matey_core.nn.shift import Shift
from matey_core.registry import Registry
from matey_core.sequence_group import SequenceGroup
from matey_core.tokenizers import TokenizerConfig

MODELS: Registry[type["Model"]] = Registry("matey_core.models")


class Sizes(NamedTuple):
    """Width of a token, number of blocks and of heads."""

    width: int
    depth: int
    heads: int


PRESETS = {
    "ti": Sizes(192, 12, 3),
    "s": Sizes(384, 12, 6),
    "b": Sizes(768, 12, 12),
    "l": Sizes(1024, 24, 16),
}
"""Sizes of arXiv 2412.20601."""


class ModelConfig(Config):
    """Settings of a MATEY model."""

    variant: str = "matey"
    """`matey`, or `paper`: exactly the published architecture."""
    preset: Literal["ti", "s", "b", "l"] = "ti"
    """Size: ti 192×12, s 384×12, b 768×12, l 1024×24 (width × blocks)."""
    width: PositiveInt | None = None
    """Width of a token, instead of the preset's."""
    depth: PositiveInt | None = None
    """Number of blocks, instead of the preset's."""
    heads: PositiveInt | None = None
    """Number of attention heads, instead of the preset's."""
    scheme: str = "full"
    """Who attends to whom: `full` (ViT), `factorized` (SViT) or `axial` (AViT)."""
    kernel: str = "auto"
    """What computes softmax(qkᵀ)v: `sdpa`, `varlen` (GPUs, half precision), `flex` (GPUs) or
    `math` (the plain formula). `auto` takes `varlen` where it can and lengths differ, else
    `sdpa`."""
    measure: bool = False
    """Weigh what a token is seen with by the area of its cell, so that splitting a cell into
    identical copies changes nothing. Where all cells are of one size it has no effect; not for
    the `paper` variant."""
    tokenizer: TokenizerConfig = TokenizerConfig()
    drop_path: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Largest rate of stochastic depth; it grows linearly over the blocks."""
    position: Literal["boundary", "fourier", "none"] = "boundary"
    """What tells tokens apart by place: aware of boundaries, the paper's Fourier features of
    position and area, or nothing. The `paper` variant knows the last two."""
    norm: Literal["token", "sequence"] = "token"
    """Standardize each token on its own, or every channel over all tokens (paper)."""
    conditioning: Literal["every_block", "first_block"] = "every_block"
    """Where the lead time enters: as adaptive norm in all blocks, or once (paper)."""
    increment: bool = True
    """Predict the change since the last frame instead of the state itself."""
    innovation: bool = True
    """Show the stem each frame's change since the one before, and scale increments by it."""
    trend: bool = True
    """Let the head weigh, point by point, how far each field's last change goes on; at first it
    goes on unchanged. Needs `increment` and `innovation`."""
    details: bool = True
    """Hand the stem's inner features of a cell to the head of the same cell."""
    layer_scale: PositiveFloat = 0.2
    """What residual branches are multiplied by at first; then it is learned."""

    @property
    def sizes(self) -> Sizes:
        """The preset's sizes with the overrides applied."""
        preset = PRESETS[self.preset]
        return Sizes(
            self.width or preset.width, self.depth or preset.depth, self.heads or preset.heads
        )

    def build(self, *, fields: Iterable[str], num_axes: Iterable[int]) -> "Model":
        """Make the model.

        Args:
            fields: names of the fields it shall know.
            num_axes: the numbers of space axes it shall know, such as (2,) or (1, 2, 3).

        Raises:
            ConfigError: the settings cannot work together.
        """
        return MODELS[self.variant](self, tuple(fields), tuple(sorted(set(num_axes))))


class Model(nn.Module, ABC):
    """A map from a history to later states that knows its fields by name."""

    can_shift: ClassVar[bool] = False
    """Whether cells may begin elsewhere than at the fields' first point."""

    def __init__(
        self, config: ModelConfig, fields: tuple[str, ...], num_axes: tuple[int, ...]
    ) -> None:
        super().__init__()
        self.config = config
        self.tokenizing = config.tokenizer
        """What fields are cut by: the model's own settings, but inside `retokenized`."""
        self.shift: Shift | None = None
        """How far cells begin before the fields' first point: not at all but inside `shifted`."""
        self.recompute = False
        """Keep only what enters each block for the backward pass, which computes the rest again."""
        self.fields = fields
        self.num_axes = num_axes
        self.sequence: SequenceGroup | None = None
        """Processes that share every sample; None where this one has whole samples."""

    @abstractmethod
    def forward(self, batch: FieldBatch) -> Prediction:
        """Predict the states at `batch.lead_steps`, in physical units.

        Raises:
            ShapeError: the grid is smaller than a patch.
            ConfigError: the batch has a field or a number of axes the model does not know.
        """

    @property
    def estimate(self) -> Estimate | None:
        """What the model has learned about its own errors, for the criterion `learned`."""
        return None

    @abstractmethod
    def count_tokens(self, batch: FieldBatch) -> Int[Tensor, " b"]:
        """Count the tokens a frame of each sample is cut into."""

    def retokenize(self, tokenizer: TokenizerConfig) -> None:
        """Cut fields as `tokenizer` says from now on, also where the model is saved.

        Args:
            tokenizer: with all patch sizes of the model.

        Raises:
            ConfigError: the scheme cannot work so.
        """
        assert tokenizer.levels == self.config.tokenizer.levels
        self.check_tokenizer(tokenizer)
        self.config = self.config.model_copy(update={"tokenizer": tokenizer})
        self.tokenizing = tokenizer

    @contextmanager
    def retokenized(self, tokenizer: TokenizerConfig) -> Iterator[None]:
        """Cut fields as `tokenizer` says, with the same weights, until the block ends.

        Budgets, criteria and tokenizers are free; of patch sizes only those that the model has.
        What it was not trained on, such as a coarse head on detailed cells, it does badly.

        Raises:
            ConfigError: the model has no such patch size, or its scheme cannot work so.
        """
        self.check_tokenizer(tokenizer)
        before, self.tokenizing = self.tokenizing, tokenizer
        try:
            yield
        finally:
            self.tokenizing = before

    @contextmanager
    def shifted(self, shift: Shift | None) -> Iterator[None]:
        """Let cells begin elsewhere, for encoding and decoding, until the block ends.

        Args:
            shift: planned for the grid of the fields and the coarsest patch in force.

        Raises:
            ConfigError: the variant has its patches where they are.
        """
        if shift is not None and not self.can_shift:
            raise ConfigError(
                f"The {self.config.variant} variant cannot shift its patches.",
                remedy="Leave out jitter, or train a model with model.variant=matey.",
            )
        before, self.shift = self.shift, shift
        try:
            yield
        finally:
            self.shift = before

    def jittered(self, grid: Grid, *, seed: int, step: int) -> AbstractContextManager[None]:
        """Let cells begin where seed and step decide, until the block ends; see `shifted`.

        Args:
            grid: of the fields.
            seed: of all draws.
            step: number of the draw.
        """
        side = self.tokenizing.on(grid.shape).levels[0]
        device = next(self.parameters()).device
        return self.shifted(Shift.drawn(grid, side, seed=seed, step=step, device=device))

    def check_tokenizer(self, tokenizer: TokenizerConfig) -> None:
        """Refuse settings that the model's weights do not allow.

        Raises:
            ConfigError: the model has no such patch size, or its scheme cannot work so.
        """
        known = self.config.tokenizer.levels
        unknown = [side for side in tokenizer.levels if side not in known]
        if unknown:
            raise ConfigError(
                f"The model has no stem and head for patches of {_listed(unknown)} points: it has "
                f"{_listed(known)}.",
                remedy="Choose among these sizes, or train a model with all of them in "
                "model.tokenizer.patch.",
            )

    def share_samples(self, group: SequenceGroup) -> None:
        """Hold only this process' part of every sample's tokens from now on.

        Predictions are those of the whole samples. Gradients are those of the own tokens: the
        whole gradient is their sum over the group.

        Args:
            group: processes with the same weights, which are given the same batches.

        Raises:
            ConfigError: the settings do not allow it.
        """
        raise ConfigError(
            f"The {self.config.variant} variant cannot share a sample among processes.",
            remedy="Leave --sequence-parallel out, or set model.variant=matey.",
        )

    @abstractmethod
    def extend(self, *, fields: Iterable[str], num_axes: Iterable[int]) -> None:
        """Learn new fields and numbers of axes, keeping every old weight and prediction."""

    @abstractmethod
    def part_of(self, parameter: str) -> Literal["stem", "head", "fields", "attention"]:
        """Say which part a parameter, by its name in `named_parameters`, belongs to.

        `attention` is all that the first three are not: blocks, positions, lead time.
        """


def _listed(numbers: Iterable[int]) -> str:
    return " and ".join(map(str, numbers))
