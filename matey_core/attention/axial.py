"""Along time, then along each space axis with shared q, k, v (AViT): cost t·n·Σnᵢ."""

from typing import ClassVar

from matey_core.attention import SCHEMES
from matey_core.attention._block import Block
from matey_core.nn.self_attention import Route
from matey_core.tokens import Segments, TokenBatch


@SCHEMES.register("axial")
class AxialBlock(Block):
    """Temporal attention, the mean of attention along every space axis, and an MLP."""

    num_stages = 2
    needs_grid: ClassVar[bool] = True

    def routes(self, tokens: TokenBatch) -> list[list[Route]]:
        """First each cell's history, then every line of cells along every axis."""
        n, t, _ = tokens.values.shape
        grid = tokens.grid or ()
        shape = (tokens.segments.count, *grid, t)
        time = Route(shape=(n, t), order=(0, 1), segments=Segments.same(n, t))
        lines = []
        for axis, length in enumerate(grid, start=1):
            order = (*(other for other in range(len(shape)) if other != axis), axis)
            segments = Segments.same(tokens.segments.total * t // length, length)
            lines.append(Route(shape=shape, order=order, segments=segments, shard=tokens.shard))
        return [[time], lines]
