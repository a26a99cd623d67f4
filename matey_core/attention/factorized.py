"""Along time at each cell, then over all cells of a frame (SViT): cost t·n² + n·t²."""

from matey_core.attention import SCHEMES
from matey_core.attention._block import Block
from matey_core.nn.self_attention import Route
from matey_core.tokens import Segments, TokenBatch


@SCHEMES.register("factorized")
class FactorizedBlock(Block):
    """Temporal attention, spatial attention and an MLP."""

    num_stages = 2

    def routes(self, tokens: TokenBatch) -> list[list[Route]]:
        """First each cell's history, then each frame's cells."""
        n, t, _ = tokens.values.shape
        time = Route(shape=(n, t), order=(0, 1), segments=Segments.same(n, t))
        space = Route(
            shape=(tokens.segments.total, t),
            order=(1, 0),
            segments=tokens.segments.repeated(t),
            shard=tokens.shard,
            meets_sizes=tokens.grid is None,
        )
        return [[time], [space]]
