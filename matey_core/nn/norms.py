"""Norms of tokens: local to a token (default), or over all tokens of a sequence (paper)."""

import torch
from jaxtyping import Float
from torch import Tensor, nn

from matey_core.tokens import Segments


class TokenNorm(nn.Module):
    """Layer norm without weights: the modulation that follows supplies them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, x: Float[Tensor, "n t d"], segments: Segments) -> Float[Tensor, "n t d"]:
        """Standardize every token over its own channels."""
        return nn.functional.layer_norm(x, (self.width,))


class SequenceNorm(nn.Module):
    """Instance norm: every channel standardized over the tokens and times of its sequence.

    The published choice (arXiv 2412.20601). It makes a token depend on all others,
    and so on the tokenization; kept for comparison.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width

    def forward(self, x: Float[Tensor, "n t d"], segments: Segments) -> Float[Tensor, "n t d"]:
        """Standardize every channel over each sequence of cells, all times together."""
        values = x.float()
        index = segments.index(x.device)
        count = segments.sizes(x.device) * x.shape[1]
        mean = self._average(values, index, count)
        centred = values - mean[index].unsqueeze(1)
        variance = self._average(centred.square(), index, count)
        return centred * torch.rsqrt(variance + 1e-5)[index].unsqueeze(1)

    def _average(self, values: Tensor, index: Tensor, count: Tensor) -> Tensor:
        total = values.new_zeros(len(count), self.width).index_add(0, index, values.sum(1))
        return total / count.unsqueeze(1)


NORMS = {"token": TokenNorm, "sequence": SequenceNorm}
