"""Settings of a MATEY model."""

from typing import Literal

from pydantic import Field, PositiveFloat

from matey_core.models._adaptive import AdaptiveConfig
from matey_core.models._wrapper import WrappedConfig
from matey_core.tokenizers import TokenizerConfig


class MateySettings(WrappedConfig, AdaptiveConfig):
    """What a MATEY model is made of."""

    variant: Literal["matey"] = "matey"
    measure: bool = False
    """Weigh what a token is seen with by the area of its cell, so that splitting a cell into
    identical copies changes nothing. Where all cells are of one size it has no effect."""
    tokenizer: TokenizerConfig = TokenizerConfig()
    drop_path: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Largest rate of stochastic depth; it grows linearly over the blocks."""
    position: Literal["boundary", "fourier", "none"] = "boundary"
    """What tells tokens apart by place: aware of boundaries, the paper's Fourier features of
    position and area, or nothing."""
    norm: Literal["token", "sequence"] = "token"
    """Standardize each token on its own, or every channel over all tokens (paper)."""
    conditioning: Literal["every_block", "first_block"] = "every_block"
    """Where the lead time enters: as adaptive norm in all blocks, or once (paper)."""
    details: bool = True
    """Hand the stem's inner features of a cell to the head of the same cell."""
    layer_scale: PositiveFloat = 0.2
    """What residual branches are multiplied by at first; then it is learned."""

    @classmethod
    def tiny(cls) -> "MateySettings":
        """Two narrow blocks on cells of two sizes."""
        tokenizer = TokenizerConfig(patch=(8, 4))
        return cls(width=24, depth=2, heads=2, layer_scale=0.5, tokenizer=tokenizer)

    @property
    def tokenization(self) -> TokenizerConfig:
        """How fields are cut."""
        return self.tokenizer

    def with_tokenizer(self, tokenizer: TokenizerConfig) -> "MateySettings":
        """The same settings with fields cut otherwise."""
        return self.model_copy(update={"tokenizer": tokenizer})
