"""Attention over tokens of several processes: keys and values go round, queries stay.

Each process meets the keys and values of all others, one after another, and merges the partial
results by the logarithms of their softmax's denominators (Liu et al., arXiv 2310.01889; the
merging is that of Milakov and Gimelshein, arXiv 1805.02867). No process ever holds more than
two parts, whatever the number of heads.
"""

from collections import defaultdict
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.autograd.function import once_differentiable

from matey_core.nn.partial_attention import attend, gradients
from matey_core.sequence_group import Coming, SequenceGroup
from matey_core.tokens import Segments, to_device

Rows = Int[Tensor, "s n"] | None
"""Rows of several sequences of one length; None for all rows in their order."""


def ring_attention(
    q: Float[Tensor, "m h e"],
    k: Float[Tensor, "m h e"],
    v: Float[Tensor, "m h e"],
    parts: tuple[Segments, ...],
    group: SequenceGroup,
) -> Float[Tensor, "m h e"]:
    """Return softmax(q kᵀ / √e) v over all parts of each sequence.

    Args:
        q: (m, h, e) queries of this process' part of every sequence, packed.
        k: (m, h, e) keys.
        v: (m, h, e) values.
        parts: for each process, rows of each sequence that it has.
        group: the processes.
    """
    return _Ring.apply(q, k, v, parts, group)  # type: ignore[no-untyped-call]


class _Ring(torch.autograd.Function):
    """The backward pass sends the gradients of keys and values round behind them."""

    @staticmethod
    def forward(
        ctx: Any,
        q: Tensor,
        k: Tensor,
        v: Tensor,
        parts: tuple[Segments, ...],
        group: SequenceGroup,
    ) -> Tensor:
        own = parts[group.rank]
        total = torch.zeros_like(v, dtype=_exact(v))
        logs = total.new_full(q.shape[:2], -torch.inf)
        here = torch.stack([k, v])
        for turn in range(group.size):
            theirs = parts[(group.rank - turn) % group.size]
            coming = None
            if turn + 1 < group.size:
                coming = group.pass_on(here.flatten(), _size(here, parts, group, turn + 1))
            for mine, others, times in _meetings(own, theirs, q.device):
                keys, values = (_stack(x, others, times) for x in here)
                found, new = attend(_stack(q, mine, times), keys, values)
                _merge(total, logs, mine, _unstack(found), _unstack(new))
            if coming is not None:
                here = coming.wait().view(2, -1, *k.shape[1:])
        out = total.to(v.dtype)
        ctx.save_for_backward(q, k, v, out, logs)
        ctx.around = parts, group
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        q, k, v, out, logs = ctx.saved_tensors
        parts, group = ctx.around
        own, exact = parts[group.rank], _exact(v)
        queries = torch.zeros_like(q, dtype=exact)
        here = torch.stack([k, v])
        behind: Coming | None = None
        for turn in range(group.size):
            theirs = parts[(group.rank - turn) % group.size]
            coming = None
            if turn + 1 < group.size:
                coming = group.pass_on(here.flatten(), _size(here, parts, group, turn + 1))
            found = torch.zeros_like(here, dtype=exact)
            for mine, others, times in _meetings(own, theirs, q.device):
                towards, query, result, log = (
                    _stack(x, mine, times) for x in (gradient, q, out, logs)
                )
                keys, values = (_stack(x, others, times) for x in here)
                slopes = gradients(towards, query, keys, values, result, log)
                for total, rows, slope in zip(
                    (queries, *found), (mine, others, others), slopes, strict=True
                ):
                    _add(total, rows, _unstack(slope))
            if behind is not None:
                found += behind.wait().view_as(found)
            behind = group.pass_on(found.flatten(), _size(here, parts, group, turn + 1))
            if coming is not None:
                here = coming.wait().view(2, -1, *k.shape[1:])
        assert behind is not None
        keys, values = behind.wait().view(2, *k.shape)
        return queries.to(q.dtype), keys.to(k.dtype), values.to(v.dtype), None, None


def _size(here: Tensor, parts: tuple[Segments, ...], group: SequenceGroup, turn: int) -> int:
    """Numbers in the keys and values that are here in a turn."""
    rows = parts[(group.rank - turn) % group.size].total
    return 2 * rows * here.shape[2] * here.shape[3]


@lru_cache(maxsize=64)
def _meetings(
    own: Segments, theirs: Segments, device: torch.device
) -> tuple[tuple[Rows, Rows, int], ...]:
    """Rows of sequences that both have a part of, those of equal lengths together.

    Returns:
        Rows of the queries, rows of the keys, and how many sequences there are of them.
    """
    pairs: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    mine = others = 0
    for length, other in zip(own.lengths, theirs.lengths, strict=True):
        if length and other:
            pairs[length, other].append((mine, others))
        mine, others = mine + length, others + other
    if len(pairs) == 1 and own.equal and theirs.equal:
        return ((None, None, own.count),)
    return tuple(
        (
            _rows(tuple(first for first, _ in starts), length, device),
            _rows(tuple(first for _, first in starts), other, device),
            len(starts),
        )
        for (length, other), starts in pairs.items()
    )


def _rows(starts: tuple[int, ...], length: int, device: torch.device) -> Int[Tensor, "s n"]:
    first = to_device(torch.tensor(starts), device)
    return first[:, None] + torch.arange(length, device=device)


def _stack(values: Tensor, rows: Rows, times: int) -> Tensor:
    """(m, h, …) packed rows to (s, h, n, …), one sequence beside the other."""
    stacked = values.unflatten(0, (times, -1)) if rows is None else values[rows]
    return stacked.transpose(1, 2)


def _unstack(values: Tensor) -> Tensor:
    return values.transpose(1, 2).flatten(0, 1)


def _merge(total: Tensor, logs: Tensor, rows: Rows, values: Tensor, new: Tensor) -> None:
    """Weigh what is there and what is new by their denominators."""
    index = slice(None) if rows is None else rows.flatten()
    both = torch.logaddexp(logs[index], new)
    old = (logs[index] - both).exp_().unsqueeze(-1)
    total[index] = total[index] * old + values * (new - both).exp_().unsqueeze(-1)
    logs[index] = both


def _add(total: Tensor, rows: Rows, values: Tensor) -> None:
    """Every row is in one sequence: none is met twice."""
    total[slice(None) if rows is None else rows.flatten()] += values


def _exact(values: Tensor) -> torch.dtype:
    return torch.promote_types(values.dtype, torch.float32)
