"""What a forward pass keeps for the backward pass."""

from collections.abc import Callable, Iterable

import torch
from torch import Tensor


def saved_bytes(forward: Callable[[], object], *, without: Iterable[Tensor] = ()) -> int:
    """Bytes that wait for the backward pass, each storage counted once.

    Args:
        forward: computes something with a gradient.
        without: tensors that are there anyway, such as a model's parameters.
    """
    apart = {tensor.untyped_storage().data_ptr() for tensor in without}
    storages: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in apart:
            storages[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = forward()
    total = sum(storage.nbytes() for storage in storages.values())
    del out
    return total
