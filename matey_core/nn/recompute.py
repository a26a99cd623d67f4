"""Less memory for more time: values that the backward pass needs are computed twice."""

from typing import Any

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint


def run_block(block: nn.Module, *inputs: Any, recompute: bool) -> Any:
    """Call a block; its result and gradients are the same either way.

    Args:
        block: what to call.
        inputs: of the block.
        recompute: keep nothing but the inputs for the backward pass, which then calls the block
            again, with the same random numbers.
    """
    if recompute and torch.is_grad_enabled():
        return checkpoint(block, *inputs, use_reentrant=False)
    return block(*inputs)
