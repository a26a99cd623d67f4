"""Memory that a solver keeps from step to step.

Fresh memory for every pass over the grid can cost more than the pass itself.
"""

import torch
from jaxtyping import Float
from torch import Tensor


class Scratch:
    """A tensor of one size at a time."""

    def __init__(self) -> None:
        self._kept: Tensor | None = None

    def take(
        self, shape: tuple[int, ...], dtype: torch.dtype, device: torch.device
    ) -> Float[Tensor, "..."]:
        """Give a tensor with any values in it; the next call may give the same one."""
        kept = self._kept
        if kept is None or (kept.shape, kept.dtype, kept.device) != (shape, dtype, device):
            kept = self._kept = torch.empty(shape, dtype=dtype, device=device)
        return kept
