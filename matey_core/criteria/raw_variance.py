"""Variance in physical units (arXiv 2412.20601): the field with the largest numbers decides."""

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.criteria import CRITERIA, History


@CRITERIA.register("raw_variance")
def raw_variance(history: History, patch: tuple[int, ...]) -> Float[Tensor, "b *cells"]:
    """Mean over fields of the unbiased variance, each field in its own units.

    Of a sample, only ratios of scores count: they are in units of its largest field.
    """
    largest = torch.frexp(history.std.amax(1, keepdim=True)).exponent
    spread = torch.ldexp(history.std, -largest).square()  # a power of two, which rounds nothing
    shape = (spread.shape[0], *(1,) * len(patch), spread.shape[1])
    return (history.cells(patch).var(-1) * spread.reshape(shape)).mean(-1)
