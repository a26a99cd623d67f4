"""The coarse sequence whole, and a short local fine one for every refined cell of any level."""

import math

from matey_core.tokenizers._base import TOKENIZERS, Cells, Pass
from matey_core.tokenizers._tree import Tree, children


@TOKENIZERS.register("adap_mul")
def adap_mul(tree: Tree) -> tuple[Pass, ...]:
    """A coarse pass, then a local pass a level, whose predictions are added as corrections.

    Local sequences keep the cells of padding, so that each is a whole block.
    """
    coarse, *_ = tree.existing
    passes = [Pass(cells=(Cells(level=0, mask=coarse, count=math.prod(tree.roots)),))]
    for level, count in enumerate(tree.num_splits):
        if count == 0:
            break
        split = tree.existing[level] & tree.refined[level]
        mask = children(split, tree.patches[level], tree.patches[level + 1])
        known = None if count is None else count * tree.pieces(level)
        passes.append(Pass(cells=(Cells(level=level + 1, mask=mask, count=known),), local=True))
    return tuple(passes)
