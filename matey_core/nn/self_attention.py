"""Multi-head self-attention over packed sequences, along one route or the mean of several."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor, nn

from matey_core.nn.measure import Heads, weighed
from matey_core.nn.sequence import attend_shared
from matey_core.tokens import Segments, Shard

PackedKernel = Callable[[Tensor, Tensor, Tensor, Segments], Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """Which rows see each other: rows viewed as `shape`, permuted, then cut into sequences."""

    shape: tuple[int, ...]
    order: tuple[int, ...]
    segments: Segments
    shard: Shard | None = None
    """Where other processes have the rest of the rows; the other fields describe all rows."""
    meets_sizes: bool = False
    """Whether cells of different sizes may meet in a sequence."""

    def pack(self, rows: Float[Tensor, "m h e"]) -> Float[Tensor, "m h e"]:
        """Bring the rows of each sequence together."""
        view = rows.reshape(*self.shape, *rows.shape[1:])
        rank = len(self.shape)
        return view.permute(*self.order, rank, rank + 1).reshape(rows.shape)

    def unpack(self, rows: Float[Tensor, "m h e"]) -> Float[Tensor, "m h e"]:
        """Undo `pack`."""
        view = rows.reshape(*(self.shape[axis] for axis in self.order), *rows.shape[1:])
        rank = len(self.shape)
        inverse = sorted(range(rank), key=self.order.__getitem__)
        return view.permute(*inverse, rank, rank + 1).reshape(rows.shape)


class SelfAttention(nn.Module):
    """softmax(q kᵀ / √e) v with normalized queries and keys.

    Queries and keys pass a layer norm over a head's channels (one set of weights
    for all heads), which keeps scores bounded in low precision. Along several
    routes the same q, k, v serve all, and the results are averaged.
    """

    profile_part: ClassVar[str] = "attention"

    def __init__(self, width: int, heads: int, kernel: PackedKernel) -> None:
        super().__init__()
        self.heads = heads
        self.kernel = kernel
        self.qkv = nn.Linear(width, 3 * width)
        self.query_norm = nn.LayerNorm(width // heads)
        self.key_norm = nn.LayerNorm(width // heads)
        self.out = nn.Linear(width, width)

    def forward(
        self,
        x: Float[Tensor, "*rows d"],
        routes: Sequence[Route],
        log_weight: Float[Tensor, "*rows"] | None = None,
    ) -> Float[Tensor, "*rows d"]:
        """Let rows exchange what they hold along each route.

        Args:
            x: (*rows, d) tokens; the rows' sizes multiply to the routes' totals.
            routes: one or more ways of cutting the rows into sequences.
            log_weight: (*rows) what is added to the scores of each row as a key, or None. Where
                all cells of a sequence are of one size it would change nothing, and is left out.
        """
        rows = math.prod(x.shape[:-1])
        width = x.shape[-1] // self.heads
        q, k, v = self.qkv(x).reshape(rows, 3, self.heads, width).unbind(1)
        q, k = self.query_norm(q), self.key_norm(k)
        if log_weight is not None and routes[0].meets_sizes:
            q, k, v = weighed(Heads(q, k, v), log_weight.reshape(rows))
        q, k = q.to(v.dtype), k.to(v.dtype)
        shard = routes[0].shard
        if shard is None:
            mixed = self._along(routes, q, k, v)
        else:
            along = partial(self._along, routes)
            mixed = attend_shared(along, q, k, v, shard, order=routes[0].order)
        return self.out(mixed[..., :width].reshape(x.shape))

    def _along(self, routes: Sequence[Route], q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        along = [
            route.unpack(self.kernel(route.pack(q), route.pack(k), route.pack(v), route.segments))
            for route in routes
        ]
        return torch.stack(along).mean(0) if len(along) > 1 else along[0]
