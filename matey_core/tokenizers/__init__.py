"""How fields are cut into tokens: the door of the family."""

from matey_core.tokenizers._base import (
    DEFAULT_GAMMA,
    TOKENIZERS,
    Pass,
    Tokenizer,
    TokenizerConfig,
)
from matey_core.tokenizers._grow import grow
from matey_core.tokenizers._tree import Tree

__all__ = [
    "DEFAULT_GAMMA",
    "TOKENIZERS",
    "Pass",
    "Tokenizer",
    "TokenizerConfig",
    "Tree",
    "grow",
]
