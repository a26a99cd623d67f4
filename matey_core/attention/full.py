"""Every token sees every token of its sample, at all times (ViT): cost (t·n)²."""

from matey_core.attention import SCHEMES
from matey_core.attention._block import Block
from matey_core.nn.self_attention import Route
from matey_core.tokens import TokenBatch


@SCHEMES.register("full")
class FullBlock(Block):
    """One space-time attention and an MLP."""

    num_stages = 1

    def routes(self, tokens: TokenBatch) -> list[list[Route]]:
        """One sequence a sample: its cells at all times."""
        t = tokens.values.shape[1]
        segments = tokens.segments.stretched(t)
        route = Route(
            shape=(tokens.segments.total, t),
            order=(0, 1),
            segments=segments,
            shard=tokens.shard,
            meets_sizes=tokens.grid is None,
        )
        return [[route]]
