"""Models that cut fields into cells: what they promise beside `Model`, and their settings."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import ClassVar

from jaxtyping import Int
from pydantic import PositiveInt
from torch import Tensor

from matey_core.batches import FieldBatch
from matey_core.criteria import Estimate
from matey_core.errors import ConfigError
from matey_core.fields import Grid
from matey_core.models._base import Model, ModelConfig
from matey_core.models._cost import ForwardCost, Inputs, plan
from matey_core.models._sizes import PRESETS, Preset, SizedConfig, Sizes
from matey_core.nn.shift import Shift
from matey_core.sequence_group import SequenceGroup
from matey_core.tokenizers import TokenizerConfig, Tree


class AdaptiveConfig(SizedConfig):
    """Settings of a transformer on the cells that a tokenizer cuts."""

    sized_by: ClassVar[frozenset[str]] = frozenset(("preset", "width", "depth", "heads"))
    preset: Preset = "ti"
    """Size: nano 32×2, micro 64×4, mini 128×6, ti 192×12, s 384×12, b 768×12, l 1024×24 (width ×
    blocks)."""
    width: PositiveInt | None = None
    """Width of a token, instead of the preset's."""
    depth: PositiveInt | None = None
    """Number of blocks, instead of the preset's."""
    heads: PositiveInt | None = None
    """Number of attention heads, instead of the preset's."""
    scheme: str = "full"
    """Attention scheme: `full` (ViT), `factorized` (SViT) or `axial` (AViT)."""
    kernel: str = "auto"
    """Attention kernel: `sdpa`, `varlen` (GPUs, half precision), `flex` (GPUs) or `math` (the plain
    formula). `auto` takes `varlen` where it works and lengths differ, else `sdpa`."""

    @property
    def sizes(self) -> Sizes:
        """The preset's sizes with the overrides applied."""
        return PRESETS[self.preset].overridden(self)

    @property
    def has_tokens(self) -> bool:
        """Whether the model cuts fields into cells at all."""
        return self.sizes.depth > 0

    @property
    @abstractmethod
    def tokenization(self) -> TokenizerConfig:
        """How fields are cut, in the terms of the tokenizers' family."""

    def cost_of(self, tree: Tree, inputs: Inputs) -> ForwardCost:
        """Operations of given cells, by a formula.

        Args:
            tree: cells of one sample; how a tokenizer chose them does not matter.
            inputs: grid, fields and frames.

        Raises:
            ConfigError: there is no formula for such a model, or its scheme cannot serve
                these cells.
        """
        raise ConfigError(
            f"The cost of the {self.variant} variant is not known as a formula.",
            remedy="Choose another variant, such as matey, or give the budget in tokens.",
        )

    def cost(self, inputs: Inputs) -> ForwardCost:
        """Operations of the cells that a fixed budget allows, whatever the fields; see `plan`.

        Raises:
            ConfigError: there is no formula for such a model, no tree of cells has the number
                of tokens asked for, or the scheme cannot serve these cells.
            ShapeError: the grid is smaller than a patch.
        """
        return self.cost_of(plan(self.tokenization, inputs), inputs)

    @abstractmethod
    def with_tokenizer(self, tokenizer: TokenizerConfig) -> "AdaptiveConfig":
        """The same settings with fields cut otherwise.

        Raises:
            ConfigError: this kind of model cannot cut fields so.
        """


class AdaptiveModel(Model):
    """A model whose cells can be chosen anew for every call, with the same weights."""

    can_shift: ClassVar[bool] = False
    """Whether cells may begin elsewhere than at the fields' first point."""
    can_share_samples: ClassVar[bool] = False
    """Whether several processes may share the tokens of a sample."""
    config: AdaptiveConfig

    def __init__(
        self, config: AdaptiveConfig, fields: Iterable[str], num_axes: Iterable[int]
    ) -> None:
        super().__init__(config, fields, num_axes)
        self.tokenizing = config.tokenization
        """What fields are cut by: the model's own settings, but inside `retokenized`."""
        self.shift: Shift | None = None
        """How far cells begin before the fields' first point: not at all but inside `shifted`."""
        self.sequence: SequenceGroup | None = None
        """Processes that share every sample; None where this one has whole samples."""

    @property
    def kernel(self) -> str | None:
        """Name of the kernel that computes attention."""
        return self.config.kernel

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
        assert tokenizer.levels == self.config.tokenization.levels
        self.check_tokenizer(tokenizer)
        self.config = self.config.with_tokenizer(tokenizer)
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
            ConfigError: the model has its patches where they are.
        """
        if shift is not None and not self.can_shift:
            raise ConfigError(
                f"The {self.config.variant} variant cannot shift its patches.",
                remedy="Leave out jitter, or train a model of another variant, such as matey.",
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
        known = self.config.tokenization.levels
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
            remedy="Leave --sequence-parallel out, or train another variant, such as matey.",
        )


def tokenized(model: Model) -> AdaptiveModel | None:
    """The model, if it has tokens; else None."""
    return model if isinstance(model, AdaptiveModel) and model.config.has_tokens else None


def adaptive(model: Model, *, what: str) -> AdaptiveModel:
    """The model, if it has tokens.

    Args:
        model: of any kind.
        what: was asked for and needs tokens, such as "--tokens".

    Raises:
        ConfigError: it has none.
    """
    found = tokenized(model)
    if found is None:
        raise _without_tokens(model.config, what)
    return found


def adaptive_config(config: ModelConfig, *, what: str) -> AdaptiveConfig:
    """The settings, if such a model has tokens.

    Args:
        config: of any model.
        what: was asked for and needs tokens, such as "--tokens".

    Raises:
        ConfigError: it has none.
    """
    if not isinstance(config, AdaptiveConfig) or not config.has_tokens:
        raise _without_tokens(config, what)
    return config


def _without_tokens(config: ModelConfig, what: str) -> ConfigError:
    if isinstance(config, AdaptiveConfig):
        return ConfigError(
            f"{what} needs a model that cuts fields into cells; {config.label} cuts none "
            "(model.depth = 0).",
            remedy="Leave that option out, or train a model with tokens: --preset ti, or "
            "--set model.depth=2.",
        )
    names = [name for name, part in ModelConfig.parts() if issubclass(part, AdaptiveConfig)]
    return ConfigError(
        f"{what} needs a model that cuts fields into cells; the {config.variant} variant cuts "
        "none.",
        remedy=f"Leave that option out, or use a model of the variant {' or '.join(names)}.",
    )


def _listed(numbers: Iterable[int]) -> str:
    return " and ".join(map(str, numbers))
