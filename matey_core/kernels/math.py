"""Attention written out: the reference that every other kernel is compared with."""

import torch
from torch import Tensor

from matey_core.kernels import KERNELS
from matey_core.kernels._batches import by_length
from matey_core.tokens import Segments


@KERNELS.register("math")
def math(q: Tensor, k: Tensor, v: Tensor, segments: Segments) -> Tensor:
    """Compute scores, softmax and weighted sum, with an n × n matrix a sequence.

    Shapes are those of `Kernel`, here and in the other kernels: (m, h, e) each.
    """
    return by_length(_attend, q, k, v, segments)


def _attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    return torch.softmax(scores, dim=-1) @ v
