"""What a forward pass keeps for the backward pass, and the largest tensor of both."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves


def saved_bytes(forward: Callable[[], object]) -> int:
    """Bytes that wait for the backward pass, each storage counted once."""
    storages: dict[int, torch.UntypedStorage] = {}

    def keep(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        storages[storage.data_ptr()] = storage
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
        out = forward()
    total = sum(storage.nbytes() for storage in storages.values())
    del out
    return total


class _Largest(TorchDispatchMode):
    numel = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        found = [leaf.numel() for leaf in tree_leaves(out) if isinstance(leaf, Tensor)]
        self.numel = max(self.numel, *found, 0)
        return out


@contextmanager
def largest_tensor() -> Iterator[_Largest]:
    """Watch every operation: the `numel` of the largest result, views included."""
    with _Largest() as watch:
        yield watch
