"""Attention as a quadrature: keys that stand for more of the domain weigh more."""

import math
from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pad

from matey_core.tokens import Places

UNIT = 8.0
"""What queries hold in the channels that meet the measure; exact in half precision."""


class Heads(NamedTuple):
    """Queries, keys and values."""

    q: Float[Tensor, "m h e"]
    k: Float[Tensor, "m h e"]
    v: Float[Tensor, "m h e"]


def log_measure(places: Places) -> Float[Tensor, " n"]:
    """(n,) logarithm of the length, area or volume of each cell, as a fraction of the domain.

    Cells that reach over the edge of a grid that patches do not divide count whole, and so do
    parents that stay as context beside their pieces.

    Args:
        places: of `n` cells.
    """
    return places.size.log().sum(1)


def widened(channels: int) -> int:
    """Channels of a head with the two that hold the measure: a multiple of 8."""
    return channels + 2 + -(channels + 2) % 8


def weighed(heads: Heads, log_weight: Float[Tensor, " m"]) -> Heads:
    """Widen the heads so that a kernel adds each key's logarithm to its scores.

    softmax(q kᵀ / √e + log w) v = Σ w exp(q·k / √e) v / Σ w exp(q·k / √e): with w the measure of
    a cell, the sums are integrals, and a cell may be split into copies of itself without any
    effect. Two channels hold log w as the sum of a coarse and a fine part, which serves
    bfloat16 as well, and any kernel can do it without a matrix of all with all. The width stays
    a multiple of 8; values end in zeros.

    Args:
        heads: q and k in at least the precision of v, which is that of the result.
        log_weight: (m,) of each row.
    """
    q, k, v = heads
    narrow, kind = q.shape[-1], v.dtype
    wide = widened(narrow)
    whole = log_weight * (math.sqrt(wide) / UNIT)
    coarse = whole.to(kind)
    parts = torch.stack([coarse, (whole - coarse).to(kind)], dim=-1)
    rest = wide - narrow - 2
    wider_q = pad((q * math.sqrt(wide / narrow)).to(kind), (0, 2), value=UNIT)
    wider_k = torch.cat([k.to(kind), parts.unsqueeze(1).expand(*k.shape[:-1], 2)], dim=-1)
    return Heads(pad(wider_q, (0, rest)), pad(wider_k, (0, rest)), pad(v, (0, 2 + rest)))
