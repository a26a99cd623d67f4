"""Arithmetic whose results do not depend on the batch, to the last bit.

Processors compute with vectors of numbers. What is left over after whole vectors may be computed,
and round, differently, and where vectors begin and end depends on what else is in memory. So every
sample is given a multiple of a vector's length.
"""

from collections.abc import Callable

import torch
from jaxtyping import Float
from torch import Tensor

LANES = 16


def pad_lanes(values: Float[Tensor, "b *rest"], axes: int = 1) -> Float[Tensor, "b *padded"]:
    """Append zeros, up to a multiple of the longest vector, along the last axes.

    Args:
        values: (b, *rest).
        axes: how many.
    """
    missing = [-points % LANES for points in values.shape[: -axes - 1 : -1]]
    if not any(missing):
        return values
    return torch.nn.functional.pad(values, [count for end in missing for count in (0, end)])


def apply(
    function: Callable[[Tensor], Tensor], values: Float[Tensor, "b *rest"]
) -> Float[Tensor, "b *rest"]:
    """Apply a function such as `torch.exp` to every number.

    Args:
        function: elementwise.
        values: (b, *rest).
    """
    flat = values.flatten(1)
    return function(pad_lanes(flat))[:, : flat.shape[1]].reshape(values.shape)


def in_company(function: Callable[[Tensor], Tensor], values: Tensor) -> Tensor:
    """Apply a function of lines, such as a Fourier transform, to two samples at least.

    Libraries compute a single transform in another way than several.

    Args:
        function: maps (b, *rest) to (b, *others), each sample on its own.
        values: (b, *rest).
    """
    if len(values) > 1:
        return function(values)
    return function(values.expand(2, *values.shape[1:]).contiguous())[:1]
