"""Counts what a device is sent: operations that are not views."""

from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode

aten = torch.ops.aten
FREE = {
    aten._unsafe_view.default,
    aten.detach.default,
    aten.empty.memory_format,
    aten.empty_like.default,
    aten.new_empty.default,
    aten.new_empty_strided.default,
}
"""Views and memory, which no kernel computes."""


class Launches(TorchDispatchMode):
    """Within it, operations are counted; fused ones, as attention is, count once."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += not (func.is_view or func in FREE)
        return func(*args, **(kwargs or {}))
