"""Sizes that models are known by: ti to l are those of arXiv 2412.20601, the others for CPUs."""

from abc import abstractmethod
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from matey_core.models._base import ModelConfig

Preset = Literal["nano", "micro", "mini", "ti", "s", "b", "l"]
"""From the smallest to the largest."""


class Sizes(NamedTuple):
    """Width of a token, number of blocks and of heads."""

    width: int
    depth: int
    heads: int

    def overridden(self, config: "HasOverrides") -> "Sizes":
        """Apply the settings that override a column."""
        return Sizes(
            config.width or self.width, config.depth or self.depth, config.heads or self.heads
        )


PRESETS: dict[Preset, Sizes] = {
    "nano": Sizes(32, 2, 1),
    "micro": Sizes(64, 4, 2),
    "mini": Sizes(128, 6, 4),
    "ti": Sizes(192, 12, 3),
    "s": Sizes(384, 12, 6),
    "b": Sizes(768, 12, 12),
    "l": Sizes(1024, 24, 16),
}


@runtime_checkable
class HasOverrides(Protocol):
    """Settings instead of a preset's columns."""

    @property
    def width(self) -> int | None:
        """Width of a token."""

    @property
    def depth(self) -> int | None:
        """Number of blocks."""

    @property
    def heads(self) -> int | None:
        """Number of attention heads."""


@runtime_checkable
class HasSize(Protocol):
    """What the sizes of all models have."""

    @property
    def width(self) -> int:
        """Channels or products."""

    @property
    def depth(self) -> int:
        """Blocks or layers."""


class SizedConfig(ModelConfig):
    """Settings of a model that has its size by name."""

    preset: Preset = "ti"
    """Size, from nano to l."""

    @property
    @abstractmethod
    def sizes(self) -> HasSize:
        """The preset's sizes with the overrides applied."""

    @property
    def label(self) -> str:
        """Preset, width × depth and variant."""
        return f"{self.preset} ({self.sizes.width}×{self.sizes.depth}, {self.variant})"
