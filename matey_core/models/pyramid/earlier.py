"""Weights of pyramids as the first days of version 0.2 wrote them, turned into today's."""

from typing import Any

from torch import Tensor, nn


def flatten_kernels(block: nn.Module, weights: dict[str, Tensor], prefix: str, *_: Any) -> None:
    """Write kernels (d, d, *side) as matrices; a hook before a block's weights are loaded."""
    for name in weights:
        if name.startswith((f"{prefix}enter.", f"{prefix}leave.")):
            weights[name] = weights[name].flatten(1)


def drop_idle(model: nn.Module, weights: dict[str, Tensor], prefix: str, *_: Any) -> None:
    """Leave out the processor of a model without tokens; a hook before weights are loaded."""
    if not hasattr(model, "processor"):
        for name in [name for name in weights if name.startswith(f"{prefix}processor.")]:
            del weights[name]
