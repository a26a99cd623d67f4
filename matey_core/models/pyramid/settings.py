"""Settings of a pyramid of convolutions with adaptive tokens."""

from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

from pydantic import NonNegativeInt, PositiveFloat, PositiveInt, field_validator

from matey_core.budgets import BUDGETS
from matey_core.models._sizes import Preset, Sizes
from matey_core.models.matey.settings import MateySettings
from matey_core.tokenizers import TokenizerConfig


class PyramidSizes(NamedTuple):
    """Channels of a point, blocks at half resolution, and the tokens' width, blocks and heads."""

    channels: int
    half_blocks: int
    width: int
    depth: int
    heads: int


PYRAMID_PRESETS: dict[
    Preset, PyramidSizes
] = {  # in minutes on a CPU, tokens do not earn their cost
    "nano": PyramidSizes(8, 1, 32, 0, 1),
    "micro": PyramidSizes(12, 1, 48, 0, 2),
    "mini": PyramidSizes(16, 2, 64, 0, 2),
    "ti": PyramidSizes(24, 2, 96, 2, 3),
    "s": PyramidSizes(48, 2, 192, 4, 3),
    "b": PyramidSizes(96, 3, 384, 8, 6),
    "l": PyramidSizes(128, 4, 768, 12, 12),
}
WAVES = (16, 12, 6)
"""Wavenumbers of the spectral layers along each axis, in 1D, 2D and 3D."""
RATIO = 0.25
"""Fraction of the cells of each level that is refined where nothing else is asked for."""


class PyramidSettings(MateySettings):
    """Settings of a pyramid of convolutions with adaptive tokens."""

    sized_by: ClassVar[frozenset[str]] = MateySettings.sized_by | {
        "channels_per_point",
        "half_blocks",
    }
    tokenizer: TokenizerConfig = TokenizerConfig().with_ratio(RATIO)
    """How fields are cut; without a budget, a quarter of the cells of each level is refined."""
    blend: bool = True
    """Average the first predicted frames with a local linear fit to the history. Validation data
    choose the weights and the number of frames; all that follow are the model's alone."""
    preset: Preset = "ti"
    """Size: nano 8, micro 12 and mini 16 channels of a point, without tokens; ti 24 channels and
    tokens 96×2, s 48 and 192×4, b 96 and 384×8, l 128 and 768×12 (width × blocks)."""
    channels_per_point: PositiveInt | None = None
    """Channels of a point, instead of the preset's; there are twice as many at half resolution."""
    depth: NonNegativeInt | None = None
    """Number of blocks of tokens, instead of the preset's; 0 leaves the tokens out."""
    half_blocks: PositiveInt | None = None
    """Number of convolutional blocks at half resolution, instead of the preset's."""
    waves: NonNegativeInt | None = None
    """Number of wavenumbers that the spectral layers keep along each axis; by default 16 in 1D, 12
    in 2D and 6 in 3D. 0 leaves the spectral layers out."""
    time_steps: tuple[PositiveFloat, PositiveFloat] | None = None
    """Smallest and largest time step that the model tells apart; others count as the nearest."""
    global_context: bool = True
    """Condition the blocks behind the first one on the mean and the size of every feature over
    the grid, so that a mixture's model knows which physics it sees."""
    frames: PositiveInt = 8
    """Number of frames of the longest history that the model can read."""

    @field_validator("tokenizer", mode="before")
    @classmethod
    def _with_budget(cls, value: Any) -> Any:
        if isinstance(value, Mapping) and not value.keys() & {"budget", *BUDGETS.names()}:
            return {**value, "budget": {"name": "ratio", "ratio": RATIO}}
        return value

    @property
    def dimensions(self) -> PyramidSizes:
        """The preset's sizes with the overrides applied."""
        preset = PYRAMID_PRESETS[self.preset]
        return PyramidSizes(
            self.channels_per_point or preset.channels,
            self.half_blocks or preset.half_blocks,
            self.width or preset.width,
            preset.depth if self.depth is None else self.depth,
            self.heads or preset.heads,
        )

    @property
    def sizes(self) -> Sizes:
        """Sizes of the tokens."""
        return Sizes(*self.dimensions[2:])

    @property
    def label(self) -> str:
        """Preset, channels, width × blocks of tokens, and variant."""
        sizes = self.dimensions
        return f"{self.preset} ({sizes.channels}, {sizes.width}×{sizes.depth}, {self.variant})"

    def waves_on(self, axes: int) -> int:
        """Wavenumbers that the spectral layers keep along each of so many axes."""
        return WAVES[axes - 1] if self.waves is None else self.waves
