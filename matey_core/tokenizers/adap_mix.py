"""Coarse and fine tokens in one sequence (arXiv 2412.20601)."""

from matey_core.tokenizers._base import TOKENIZERS, Pass
from matey_core.tokenizers._tree import Tree


@TOKENIZERS.register("adap_mix")
def adap_mix(tree: Tree) -> tuple[Pass, ...]:
    """One sequence of the tree's leaves; with everything refined it is uniform and fine."""
    return (Pass(masks=tree.leaves),)
