"""Attention over tokens of several processes: each attends over all tokens with some heads.

Before attention the processes exchange queries, keys and values, afterwards the results
(all-to-all; Jacobs et al., DeepSpeed Ulysses, arXiv 2309.14509). In between any kernel and any
route works, for nothing is cut but the heads.
"""

from collections.abc import Callable
from itertools import accumulate, pairwise

import torch
from jaxtyping import Float
from torch import Tensor

from matey_core.tokens import Shard

Attend = Callable[[Tensor, Tensor, Tensor], Tensor]


def attend_by_heads(
    attend: Attend,
    q: Float[Tensor, "m h e"],
    k: Float[Tensor, "m h e"],
    v: Float[Tensor, "m h e"],
    shard: Shard,
) -> Float[Tensor, "m h e"]:
    """Attend over all tokens with this process' heads, and bring the tokens' results home.

    Args:
        attend: attention over all rows in packed order, for any number of heads.
        q: (m, h, e) queries of this process' cells at all times.
        k: (m, h, e) keys.
        v: (m, h, e) values.
        shard: whose the other cells are. There are at least as many heads as processes;
            where their number does not divide, the first processes have one more.
    """
    group, cells = shard.group, [part.total for part in shard.parts]
    times = q.shape[0] // cells[group.rank]
    heads = shares(q.shape[1], group.size)
    rows = torch.stack([q, k, v], dim=1).unflatten(0, (-1, times))
    own, head_size = heads[group.rank], q.shape[2]
    sent = [rows.shape[0] * times * 3 * count * head_size for count in heads]
    received = [count * times * 3 * own * head_size for count in cells]
    parts = [part.flatten() for part in rows.split(heads, dim=3)]
    mine = group.exchange(torch.cat(parts), sent, received)
    mine = mine.view(-1, times, 3, own, head_size)[shard.positions]
    whole = attend(*mine.flatten(0, 1).unbind(1)).unflatten(0, (-1, times))
    sent, received = [n // 3 for n in received], [n // 3 for n in sent]
    home = group.exchange(whole[shard.by_rank].flatten(), sent, received)
    starts = pairwise(accumulate(received, initial=0))
    parts = [home[a:b].view(q.shape[0], -1, head_size) for a, b in starts]
    return torch.cat(parts, dim=1)


def shares(number: int, size: int) -> list[int]:
    """Share out things as evenly as can be, the first processes having one more."""
    return [number // size + (rank < number % size) for rank in range(size)]
