"""Floating point operations, counted while they happen."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode, sdpa_backward_flop_count, sdpa_flop_count

from matey_core.batches import FieldBatch
from matey_core.models import Model, with_kernel


@dataclass(frozen=True, slots=True, kw_only=True)
class Flops:
    """Operations of the matrix products, convolutions and attention of one step.

    A multiplication and an addition are two operations. What is done element by
    element (norms, activations, softmax) is not counted.
    """

    forward: int
    backward: int

    @property
    def total(self) -> int:
        """Forward and backward."""
        return self.forward + self.backward

    def times(self, count: int) -> "Flops":
        """Operations of so many of them."""
        return Flops(forward=count * self.forward, backward=count * self.backward)


def countable(model: Model) -> AbstractContextManager[None]:
    """Let `sdpa` stand in for `flex`, which refuses to run while operations are counted."""
    return with_kernel(model, "sdpa") if model.kernel == "flex" else nullcontext()


@torch.inference_mode()
def count_forward(model: Model, batch: FieldBatch) -> int:
    """Operations of a prediction, counted while it is made."""
    with countable(model), FlopCounterMode(display=False, custom_mapping=_CPU_ATTENTION) as counter:
        model(batch)
    return counter.get_total_flops()


def count_flops(loss: Callable[[], Tensor]) -> Flops:
    """Run a step once, forward and backward, and count.

    Args:
        loss: computes a scalar with a gradient. Gradients are left where they arise.
    """
    with FlopCounterMode(display=False, custom_mapping=_CPU_ATTENTION) as forward:
        value = loss()
    with FlopCounterMode(display=False, custom_mapping=_CPU_ATTENTION) as backward:
        value.backward()
    return Flops(forward=forward.get_total_flops(), backward=backward.get_total_flops())


def _attention(q: Any, k: Any, v: Any, *rest: Any, **kwargs: Any) -> int:
    return sdpa_flop_count(q, k, v)


def _attention_backward(gradient: Any, q: Any, k: Any, v: Any, *rest: Any, **kwargs: Any) -> int:
    return sdpa_backward_flop_count(gradient, q, k, v)


_CPU_ATTENTION = {
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu: _attention,
    torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward: _attention_backward,
}
"""torch counts the fused attention of GPUs, but not that of CPUs."""
