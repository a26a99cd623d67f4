"""Attention to tokens that other processes hold, by the way that suits the heads."""

from jaxtyping import Float
from torch import Tensor

from matey_core.nn.ring import ring_attention
from matey_core.nn.ulysses import Attend, attend_by_heads
from matey_core.tokens import Shard


def attend_shared(
    attend: Attend,
    q: Float[Tensor, "m h e"],
    k: Float[Tensor, "m h e"],
    v: Float[Tensor, "m h e"],
    shard: Shard,
    *,
    order: tuple[int, ...],
) -> Float[Tensor, "m h e"]:
    """Attend as if all tokens were here.

    Heads are shared out where their number allows it; otherwise keys and values go round.

    Args:
        attend: attention over all rows, (cells, times) in packed order, for any number of heads.
        q: (m, h, e) queries of this process' cells at all times.
        k: (m, h, e) keys.
        v: (m, h, e) values.
        shard: whose the other cells are.
        order: (0, 1) where a sequence is its cells at all times, (1, 0) where it is its cells
            at one time. Sequences along the axes of a grid, whose order is longer, are never
            cut: heads are then shared out as evenly as can be.
    """
    group = shard.group
    if len(order) > 2 or q.shape[1] % group.size == 0:
        return attend_by_heads(attend, q, k, v, shard)
    times = q.shape[0] // shard.parts[group.rank].total
    if order == (0, 1):
        parts = tuple(part.stretched(times) for part in shard.parts)
        return ring_attention(q, k, v, parts, group)
    parts = tuple(part.repeated(times) for part in shard.parts)
    q, k, v = (_swap(rows, q.shape[0] // times) for rows in (q, k, v))
    return _swap(ring_attention(q, k, v, parts, group), times)


def _swap(rows: Tensor, first: int) -> Tensor:
    """(a·b, …) rows to (b·a, …), for `a` = `first`."""
    return rows.unflatten(0, (first, -1)).transpose(0, 1).flatten(0, 1)
