"""How a condition (lead time, time step) reaches every block, and drop path."""

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from matey_core.tokens import Places


class Modulation(nn.Module):
    """Shift, scale and gate of each residual branch of one block.

    A table of the block's own plus what the condition contributes, the same for
    all blocks (one large projection serves the whole model). The gates are the
    block's layer scale.
    """

    one: Float[Tensor, "k d"]
    """1 where a scale is, 0 elsewhere."""

    def __init__(self, width: int, branches: int, *, layer_scale: float) -> None:
        super().__init__()
        table = torch.zeros(branches, 3, width)
        table[:, 2] = layer_scale
        self.table = nn.Parameter(table)
        one = torch.zeros(branches, 3, width)
        one[:, 1] = 1.0
        self.register_buffer("one", one.flatten(0, 1), persistent=False)

    def forward(
        self, condition: Float[Tensor, "b k d"] | None, places: Places
    ) -> list[tuple[Tensor, Tensor, Tensor]]:
        """Return (shift, 1 + scale, gate) of every branch.

        Each is (1, 1, d) without a condition, (b, 1, d) where all samples have equally many
        cells, else (n, 1, d).

        Args:
            condition: (b, 3·branches, d) contribution of the condition, or None.
            places: says which sample each of the n cells belongs to.
        """
        table = self.table.flatten(0, 1)
        if condition is None:
            parts = (table + self.one).unsqueeze(0)
        else:
            parts = table + condition[:, : len(table)] + self.one
            parts = parts[places.sample] if places.per_sample is None else parts
        rows = parts.unsqueeze(2).unbind(1)
        return [(rows[i], rows[i + 1], rows[i + 2]) for i in range(0, len(rows), 3)]


class DropPath(nn.Module):
    """Skip a residual branch for a random part of the samples (stochastic depth)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, x: Float[Tensor, "n t d"], sample: Int[Tensor, " n"], samples: int) -> Tensor:
        """Drop all tokens of a sample together, and rescale those that stay.

        The draws do not depend on the tokens: processes that share a sample draw alike.

        Args:
            x: (n, t, d) the branch's values.
            sample: (n,) sample that each cell belongs to.
            samples: samples of the batch.
        """
        if not self.training or self.rate == 0.0:
            return x
        keep = (torch.rand(samples, device=x.device)[sample] >= self.rate).to(x.dtype)
        return x * (keep / (1.0 - self.rate)).view(-1, 1, 1)
