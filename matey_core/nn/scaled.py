"""Base + values · factor, in one pass forward and one each for the gradients."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor


def add_scaled(
    base: Float[Tensor, "..."], values: Float[Tensor, "..."], factor: Float[Tensor, "..."]
) -> Float[Tensor, "..."]:
    """Compute base + values · factor as `torch.addcmul` does.

    The gradients are those of `torch.addcmul`, bit for bit. It multiplies both factors by 1
    first, which is a pass over all values and a launch on a device for each of them.

    Args:
        base: is broadcast with the others.
        values: likewise.
        factor: likewise.
    """
    if torch.compiler.is_compiling():  # which joins what it can, and traces no such function
        return torch.addcmul(base, values, factor)
    answer: Tensor = _AddScaled.apply(base, values, factor)  # type: ignore[no-untyped-call]
    return answer


class _AddScaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, base: Tensor, values: Tensor, factor: Tensor) -> Tensor:
        """Keep both factors."""
        ctx.save_for_backward(values, factor)
        ctx.shapes = base.shape, values.shape, factor.shape
        return torch.addcmul(base, values, factor)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        """Multiply by the other factor, and sum where shapes were broadcast."""
        values, factor = ctx.saved_tensors
        of_base, of_values, of_factor = ctx.needs_input_grad
        base_shape, values_shape, factor_shape = ctx.shapes
        return (
            gradient.sum_to_size(base_shape) if of_base else None,
            (gradient * factor).sum_to_size(values_shape) if of_values else None,
            (gradient * values).sum_to_size(factor_shape) if of_factor else None,
        )
