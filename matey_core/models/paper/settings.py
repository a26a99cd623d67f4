"""Settings of the published architecture."""

from typing import Any, ClassVar, Literal

from pydantic import Field, PositiveInt, model_validator

from matey_core.budgets import BudgetConfig
from matey_core.config import Config, validate
from matey_core.errors import ConfigError
from matey_core.models._adaptive import AdaptiveConfig
from matey_core.tokenizers import TokenizerConfig, with_budget

CRITERIA = ("variance", "raw_variance")
"""Names that ask for the one criterion there is: variance of the raw fields."""


class PaperTokenizerConfig(Config):
    """Which cells a field is cut into: one size, or coarse ones of which some are refined."""

    name: Literal["uniform", "adap_mix", "adap_mul"] = "adap_mix"
    """Tokenizer: `uniform`, `adap_mix` (coarse and fine tokens in one sequence) or `adap_mul` (a
    coarse sequence, and a short fine one for every refined cell)."""
    patch: tuple[PositiveInt, ...] = Field(default=(16, 8), min_length=1, max_length=2)
    """Points per axis of a coarse and of a fine cell. `uniform` uses the last."""
    budget: BudgetConfig = Field(default_factory=BudgetConfig.standard)
    """Budget that decides how many coarse cells are refined: `gamma` or `ratio`. A value such as
    `gamma = 0.3` stands for the section."""

    @model_validator(mode="before")
    @classmethod
    def _expand(cls, values: Any) -> Any:
        return with_budget(values)

    @model_validator(mode="after")
    def _check(self) -> "PaperTokenizerConfig":
        if self.budget.name not in ("gamma", "ratio"):
            raise ValueError(f"the paper variant refines by gamma or ratio, not {self.budget.name}")
        if self.name != "uniform" and len(self.patch) < 2:
            raise ValueError(f"{self.name} needs a coarse and a fine patch, such as [16, 8]")
        if self.patch[0] % self.patch[-1] or len(set(self.patch)) < len(self.patch):
            raise ValueError(
                f"the coarse patch must be a multiple of the fine one, not {self.patch}"
            )
        return self

    @property
    def levels(self) -> tuple[int, ...]:
        """Patch sizes that exist in the model, coarse to fine."""
        return self.patch[-1:] if self.name == "uniform" else self.patch


class PaperSettings(AdaptiveConfig):
    """Settings of a published model."""

    sized_by: ClassVar[frozenset[str]] = frozenset()  # as published
    variant: Literal["paper"] = "paper"
    scheme: Literal["full", "factorized", "axial"] = "full"
    tokenizer: PaperTokenizerConfig = PaperTokenizerConfig()
    drop_path: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Largest rate of stochastic depth; it grows linearly over the blocks."""
    position: Literal["fourier", "none"] = "none"
    """Position encoding of tokens: Fourier features of position and area, or none."""

    @classmethod
    def tiny(cls) -> "PaperSettings":
        """Two narrow blocks on cells of two sizes."""
        return cls(width=24, depth=2, heads=2, tokenizer=PaperTokenizerConfig(patch=(8, 4)))

    @property
    def tokenization(self) -> TokenizerConfig:
        """How fields are cut: by the variance of the raw fields."""
        own = self.tokenizer
        return TokenizerConfig(
            name=own.name, patch=own.patch, criterion="raw_variance", budget=own.budget
        )

    def with_tokenizer(self, tokenizer: TokenizerConfig) -> "PaperSettings":
        """The same settings with fields cut otherwise."""
        if tokenizer.criterion not in CRITERIA:
            raise ConfigError(
                f"model.tokenizer.criterion is {tokenizer.criterion!r}; the paper variant refines "
                "by the variance of the raw fields.",
                remedy="Choose criterion=variance, or a model of another variant, such as matey.",
            )
        own = {"name", "patch", "budget"}
        values = tokenizer.model_dump(
            mode="json", exclude={*own, "criterion"}, exclude_defaults=True
        )
        values |= tokenizer.model_dump(mode="json", include=own)
        found = validate(PaperTokenizerConfig, values, source="the tokenizer of the paper variant")
        return self.model_copy(update={"tokenizer": found})

    def check(self, num_axes: tuple[int, ...]) -> None:
        """Raise unless the settings describe a published model.

        Args:
            num_axes: numbers of space axes that it shall know.

        Raises:
            ConfigError: names the setting and what to choose instead.
        """
        if self.scheme == "axial" and self.tokenizer.name == "adap_mix":
            raise ConfigError(
                "model.scheme is axial, which needs a full grid, and model.tokenizer.name is "
                "adap_mix, which has none.",
                remedy="Set model.tokenizer.name=adap_mul, or model.scheme=full or factorized.",
            )
        width, _, heads = self.sizes
        if width % 4 or width % heads:
            raise ConfigError(
                f"model.width is {width}, which 4 and model.heads ({heads}) must divide.",
                remedy="Choose a width that is a multiple of both.",
            )
        if self.position == "fourier" and 3 in num_axes and (width // 3) % 2:
            raise ConfigError(
                f"A third of model.width, {width // 3} of {width}, is odd: there is no fourier "
                "position encoding for fields of three axes.",
                remedy='Choose a width whose third is even, such as 768, or model.position="none".',
            )
