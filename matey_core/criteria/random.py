"""Cells by lot, for audits: what a criterion must beat.

The lot is a hash of the sample's own values and of the cell's number. So the same history
gives the same cells in every batch and run on the same machine, and no generator is used up.
"""

import math

import torch
from jaxtyping import Float, Int
from torch import Tensor

from matey_core.criteria import CRITERIA, History

BITS = 24
"""Of the scores: as many as float32 holds."""
WORD = 0xFFFFFFFF


@CRITERIA.register("random")
def random(history: History, patch: tuple[int, ...]) -> Float[Tensor, "b *cells"]:
    """Score every cell by an independent draw from [0, 1)."""
    counts = [n // side for n, side in zip(history.values.shape[3:], patch, strict=True)]
    number = torch.arange(math.prod(counts), device=history.values.device)
    lots = _mixed(_key(history.values, salt=math.prod(patch))[:, None] + _mixed(number + 1))
    return ((lots >> (32 - BITS)).float() / 2**BITS).unflatten(1, counts)


def _key(values: Float[Tensor, "b t c *space"], *, salt: int) -> Int[Tensor, " b"]:
    """A number of 32 bits that depends on every value of a sample and on its place."""
    bits = values.float().contiguous().view(torch.int32).flatten(1).long() & WORD
    place = torch.arange(bits.shape[1], device=values.device)
    # A weighted sum of integers has no order: every device and every batch agree.
    return _mixed(((bits * (2 * place + 1)) & WORD).sum(1) + salt)


def _mixed(words: Int[Tensor, "*n"]) -> Int[Tensor, "*n"]:
    """Spread a difference in any bit over all 32, by shifts and odd products below 2⁶³."""
    words = words & WORD
    for _ in range(2):
        words = ((words ^ (words >> 16)) * 0x45D9F3B) & WORD
    return words ^ (words >> 16)
