"""How fields are cut into tokens: the door of the family."""

from matey_core.tokenizers._base import (
    TOKENIZERS,
    Cells,
    Pass,
    Tokenizer,
    TokenizerConfig,
    num_tokens,
    with_budget,
)
from matey_core.tokenizers._grow import grow
from matey_core.tokenizers._tree import Tree

__all__ = [
    "TOKENIZERS",
    "Cells",
    "Pass",
    "Tokenizer",
    "TokenizerConfig",
    "Tree",
    "grow",
    "num_tokens",
    "with_budget",
]
