"""The pointwise network of a transformer block."""

from typing import ClassVar

from torch import nn


class Mlp(nn.Sequential):
    """Linear, GELU, Linear, on the last axis: (*rows, d) → (*rows, d)."""

    profile_part: ClassVar[str] = "mlp"

    def __init__(self, width: int, *, ratio: int = 4) -> None:
        super().__init__(
            nn.Linear(width, ratio * width), nn.GELU(), nn.Linear(ratio * width, width)
        )
