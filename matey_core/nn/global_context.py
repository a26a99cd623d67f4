"""What a whole sample looks like, as a vector that conditions what follows."""

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional as F

SMALLEST = 1e-12
"""Added to mean squares, so that a channel of zeros gives finite values."""


class GlobalContext(nn.Module):
    """Embed the mean and the size of every channel over all points of a sample.

    Means are divided by sizes, sizes enter as logarithms, and the whole summary is normalized.
    So it stays in the range of the training when features grow in a rollout.

    Channels that are pooled over a grid, and answer for all of its points, are known from
    networks of images (squeeze-and-excitation, arXiv 1709.01507; arXiv 1904.11492). Here they
    tell a network that is trained on many kinds of physics which one it sees.
    """

    def __init__(self, width: int) -> None:
        """Start small: before training the context says next to nothing.

        Args:
            width: channels of a point, and of the answer.
        """
        super().__init__()
        first, last = nn.Linear(2 * width, 2 * width), nn.Linear(2 * width, width)
        nn.init.normal_(last.weight, std=0.02)
        nn.init.zeros_(last.bias)
        self.mlp = nn.Sequential(first, nn.GELU(), last)

    def forward(self, x: Float[Tensor, "b *space d"]) -> Float[Tensor, "b d"]:
        """Embed a batch; samples do not see each other.

        Args:
            x: (b, *space, d) features of every point.
        """
        points = x.flatten(1, -2)
        size = (points.square().mean(1) + SMALLEST).sqrt()
        summary = torch.cat([points.mean(1) / size, size.log()], dim=1)
        return self.mlp(F.layer_norm(summary, summary.shape[1:]))
