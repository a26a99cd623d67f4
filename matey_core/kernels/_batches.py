"""Sequences of equal length, stacked so that a batched kernel can take them."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

import torch
from jaxtyping import Int
from torch import Tensor

from matey_core.tokens import Segments, remember, to_device

Batched = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(s, h, n, e) queries, keys and values to (s, h, n, e)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """Packed rows sorted by the length of their sequence."""

    lengths: tuple[int, ...]
    """Every length that occurs, but 0."""
    rows: tuple[int, ...]
    """Rows of each length."""
    order: Int[Tensor, " m"] | None
    """Which row goes where; None where all lie in this order already."""
    inverse: Int[Tensor, " m"] | None
    """The way back."""


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
    groups = _groups(segments, q.device)
    if groups.order is not None:
        q, k, v = (x.index_select(0, groups.order) for x in (q, k, v))
    # Splitting, unlike slicing, has a backward pass that touches every row once.
    pieces = zip(*(x.split(groups.rows) for x in (q, k, v)), groups.lengths, strict=True)
    mixed = torch.cat([_stacked(attend, *piece) for piece in pieces])
    return mixed if groups.inverse is None else mixed.index_select(0, groups.inverse)


def _stacked(attend: Batched, q: Tensor, k: Tensor, v: Tensor, length: int) -> Tensor:
    stacked = (x.unflatten(0, (-1, length)).transpose(1, 2) for x in (q, k, v))
    return attend(*stacked).transpose(1, 2).flatten(0, 1)


@remember
def _groups(segments: Segments, device: torch.device) -> Groups:
    """Plan once what all blocks and, with a budget, all steps do alike."""
    starts: dict[int, list[int]] = defaultdict(list)
    ends = accumulate(segments.lengths)
    for end, length in zip(ends, segments.lengths, strict=True):
        if length:
            starts[length].append(end - length)
    rows = tuple(length * len(found) for length, found in starts.items())
    order = [start for found in starts.values() for start in found]
    if order == sorted(order):
        return Groups(lengths=tuple(starts), rows=rows, order=None, inverse=None)
    sizes = tuple(length for length, found in starts.items() for _ in found)
    before = torch.tensor([0, *accumulate(sizes)][:-1])
    shift = torch.tensor(order) - before
    index = torch.arange(segments.total) + shift.repeat_interleave(torch.tensor(sizes))
    return Groups(
        lengths=tuple(starts),
        rows=rows,
        order=to_device(index, device),
        inverse=to_device(index.argsort(), device),
    )
