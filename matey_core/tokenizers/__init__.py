"""How fields are cut into tokens: the door of the family."""

from matey_core.tokenizers._base import (
    DEFAULT_GAMMA,
    TOKENIZERS,
    Cells,
    Pass,
    Tokenizer,
    TokenizerConfig,
    num_tokens,
)
from matey_core.tokenizers._grow import grow
from matey_core.tokenizers._tree import Tree

__all__ = [
    "DEFAULT_GAMMA",
    "TOKENIZERS",
    "Cells",
    "Pass",
    "Tokenizer",
    "TokenizerConfig",
    "Tree",
    "grow",
    "num_tokens",
]
