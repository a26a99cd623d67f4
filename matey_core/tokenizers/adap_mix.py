"""Coarse and fine tokens in one sequence (arXiv 2412.20601), of any number of levels."""

from matey_core.tokenizers._base import TOKENIZERS, Cells, Pass
from matey_core.tokenizers._tree import Tree


@TOKENIZERS.register("adap_mix")
def adap_mix(tree: Tree) -> tuple[Pass, ...]:
    """One sequence of the tree's leaves; with everything refined it is uniform and fine.

    Split cells that are kept are in the sequence as well.
    """
    leaves = [
        Cells(level=level, mask=mask, count=count)
        for level, (mask, count) in enumerate(zip(tree.leaves, tree.num_leaves, strict=True))
    ]
    counts = tree.quota.kept if tree.quota else (None,) * len(tree.kept)
    kept = [
        Cells(level=level, mask=mask, count=count, is_leaf=False)
        for level, (mask, count) in enumerate(zip(tree.kept, counts, strict=False))
    ]
    return (Pass(cells=tuple(group for group in (*leaves, *kept) if group.count != 0)),)
