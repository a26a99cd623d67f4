"""Sequences of equal length, stacked so that a batched kernel can take them."""

from collections import defaultdict
from collections.abc import Callable

import torch
from torch import Tensor

from matey_core.tokens import Segments

Batched = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(s, h, n, e) queries, keys and values to (s, h, n, e)."""


def by_length(attend: Batched, q: Tensor, k: Tensor, v: Tensor, segments: Segments) -> Tensor:
    """Apply a batched kernel to packed sequences, one call for each distinct length.

    Args:
        attend: attention for `s` sequences of one length.
        q: (m, h, e), like k and v.
        k: see q.
        v: see q.
        segments: lengths of the sequences.
    """
    if segments.total == 0:
        return v
    if segments.equal is not None:
        return _stacked(attend, q, k, v, segments.equal)
    out = torch.empty_like(v)
    rows: dict[int, list[Tensor]] = defaultdict(list)
    start = 0
    for length in segments.lengths:
        if length:
            rows[length].append(torch.arange(start, start + length, device=q.device))
        start += length
    parts = []
    for length, places in rows.items():
        index = torch.cat(places)
        parts.append((index, _stacked(attend, q[index], k[index], v[index], length)))
    order = torch.cat([index for index, _ in parts])
    return out.index_copy(0, order, torch.cat([values for _, values in parts]))


def _stacked(attend: Batched, q: Tensor, k: Tensor, v: Tensor, length: int) -> Tensor:
    stacked = (x.unflatten(0, (-1, length)).transpose(1, 2) for x in (q, k, v))
    return attend(*stacked).transpose(1, 2).flatten(0, 1)
