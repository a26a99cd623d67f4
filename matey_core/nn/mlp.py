"""The pointwise network of a transformer block."""

from typing import ClassVar

from jaxtyping import Float
from torch import Tensor, nn


class Mlp(nn.Sequential):
    """Linear, GELU, Linear, on the last axis."""

    profile_part: ClassVar[str] = "mlp"

    def __init__(self, width: int, *, ratio: int = 4) -> None:
        super().__init__(
            nn.Linear(width, ratio * width), nn.GELU(), nn.Linear(ratio * width, width)
        )

    def forward(self, x: Float[Tensor, "*rows d"]) -> Float[Tensor, "*rows d"]:
        """Transform every row on its own."""
        return super().forward(x)
