"""Memory that a solver keeps from step to step.

Fresh memory for every pass over the grid can cost more than the pass itself.
"""

import threading

import torch
from jaxtyping import Float
from torch import Tensor


class Scratch:
    """Tensors of one size at a time, for each thread its own."""

    def __init__(self) -> None:
        self._own = threading.local()

    def take(
        self, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device
    ) -> Float[Tensor, "..."]:
        """Give a tensor with any values in it; the next call may give the same one."""
        kept: Tensor | None = getattr(self._own, "kept", None)
        if kept is None or (kept.shape, kept.dtype, kept.device) != (shape, dtype, device):
            kept = self._own.kept = torch.empty(shape, dtype=dtype, device=device)
        return kept
