"""Sizes that models are known by: ti to l are those of arXiv 2412.20601, the others for CPUs."""

from typing import Literal, NamedTuple

Preset = Literal["nano", "micro", "mini", "ti", "s", "b", "l"]
"""From the smallest to the largest."""


class Sizes(NamedTuple):
    """Width of a token, number of blocks and of heads."""

    width: int
    depth: int
    heads: int


PRESETS: dict[Preset, Sizes] = {
    "nano": Sizes(32, 2, 1),
    "micro": Sizes(64, 4, 2),
    "mini": Sizes(128, 6, 4),
    "ti": Sizes(192, 12, 3),
    "s": Sizes(384, 12, 6),
    "b": Sizes(768, 12, 12),
    "l": Sizes(1024, 24, 16),
}
