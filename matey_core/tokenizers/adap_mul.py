"""The coarse sequence whole, and a short local fine one for every refined cell."""

import torch

from matey_core.tokenizers._base import TOKENIZERS, Pass
from matey_core.tokenizers._tree import Tree


@TOKENIZERS.register("adap_mul")
def adap_mul(tree: Tree) -> tuple[Pass, ...]:
    """A coarse pass, then a local pass whose prediction is added as a correction.

    Local sequences keep the cells of padding, so that each is a whole block.
    """
    coarse, *finer = tree.existing
    nowhere = torch.zeros_like(coarse)
    return (
        Pass(masks=(coarse, *(torch.zeros_like(level) for level in finer))),
        Pass(masks=(nowhere, *tree.tiling[1:]), local=True),
    )
