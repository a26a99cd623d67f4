"""Tensors of which every process holds a part, and whole ones."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor, nn


def has_parts(tensor: Tensor) -> bool:
    """Whether processes hold parts of a tensor, which is a DTensor then.

    The class itself is not asked for: its import takes half a second, which few need.
    """
    return hasattr(tensor, "full_tensor")


def whole(tensor: Tensor) -> Tensor:
    """Collect the parts of a tensor, in all processes alike; a tensor without parts is itself."""
    collect: Callable[[], Tensor] | None = getattr(tensor, "full_tensor", None)
    return tensor if collect is None else collect()


def part_of(tensor: Tensor, like: Tensor) -> Tensor:
    """Cut out of a whole tensor what this process holds of another; nothing is sent.

    Args:
        tensor: the same in all processes.
        like: of the same shape; where it has no parts, the whole tensor is returned.
    """
    if not has_parts(like):
        return tensor
    from torch.distributed.tensor import DTensor, distribute_tensor

    assert isinstance(like, DTensor)
    there = tensor.to(like.device)
    return distribute_tensor(there, like.device_mesh, like.placements, src_data_rank=None)


@torch.no_grad()
def load_whole(model: nn.Module, weights: Mapping[str, Tensor]) -> None:
    """Give a model whole weights, of which it may hold parts.

    Raises:
        RuntimeError: names or shapes differ.
    """
    own = model.state_dict()
    fitting = {
        name: part_of(value, own[name]) if name in own and own[name].shape == value.shape else value
        for name, value in weights.items()
    }
    model.load_state_dict(fitting)
