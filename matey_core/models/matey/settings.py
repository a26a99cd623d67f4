"""Settings of a MATEY model."""

from typing import Literal

from pydantic import Field, PositiveFloat

from matey_core.models._adaptive import AdaptiveConfig
from matey_core.models._wrapper import WrappedConfig
from matey_core.tokenizers import TokenizerConfig


class MateySettings(WrappedConfig, AdaptiveConfig):
    """Settings of a MATEY model."""

    measure: bool = False
    """Weigh tokens in attention by the area of their cells, so that splitting a cell into identical
    copies changes nothing. Without effect where all cells have one size."""
    tokenizer: TokenizerConfig = TokenizerConfig()
    drop_path: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Largest rate of stochastic depth; it grows linearly over the blocks."""
    position: Literal["boundary", "fourier", "none"] = "boundary"
    """Position encoding of tokens: aware of boundaries, the paper's Fourier features of position
    and area, or none."""
    norm: Literal["token", "sequence"] = "token"
    """Normalization of each token by itself, or of each channel over all tokens (paper)."""
    conditioning: Literal["every_block", "first_block"] = "every_block"
    """Place where the lead time enters: the norms of all blocks, or one place (paper)."""
    details: bool = True
    """Pass the stem's inner features of a cell to the head of the same cell."""
    layer_scale: PositiveFloat = 0.2
    """Initial factor of residual branches; it is then learned."""

    @property
    def tokenization(self) -> TokenizerConfig:
        """How fields are cut."""
        return self.tokenizer

    def with_tokenizer(self, tokenizer: TokenizerConfig) -> "MateySettings":
        """The same settings with fields cut otherwise."""
        return self.model_copy(update={"tokenizer": tokenizer})
