"""Sizes that models are known by: arXiv 2412.20601 trains with these."""

from typing import Literal, NamedTuple

Preset = Literal["ti", "s", "b", "l"]


class Sizes(NamedTuple):
    """Width of a token, number of blocks and of heads."""

    width: int
    depth: int
    heads: int


PRESETS: dict[Preset, Sizes] = {
    "ti": Sizes(192, 12, 3),
    "s": Sizes(384, 12, 6),
    "b": Sizes(768, 12, 12),
    "l": Sizes(1024, 24, 16),
}
