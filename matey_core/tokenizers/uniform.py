"""Cells of one size: the plain vision transformer."""

import math

from matey_core.tokenizers._base import TOKENIZERS, Cells, Pass
from matey_core.tokenizers._tree import Tree


@TOKENIZERS.register("uniform")
def uniform(tree: Tree) -> tuple[Pass, ...]:
    """One sequence of all cells of the only level."""
    (mask,) = tree.existing
    return (Pass(cells=(Cells(level=0, mask=mask, count=math.prod(tree.roots)),)),)
