"""Cells of one size: the plain vision transformer."""

from matey_core.tokenizers._base import TOKENIZERS, Pass
from matey_core.tokenizers._tree import Tree


@TOKENIZERS.register("uniform")
def uniform(tree: Tree) -> tuple[Pass, ...]:
    """One sequence of all cells of the only level."""
    return (Pass(masks=tree.existing),)
