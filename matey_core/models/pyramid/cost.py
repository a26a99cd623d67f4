"""What a forward pass costs, as a formula: that of its tokens, and the pyramid's own products."""

import math
from dataclasses import dataclass, replace

from matey_core.models._cost import ForwardCost, Inputs
from matey_core.models.matey.cost import cost_of as cost_of_tokens
from matey_core.models.pyramid.blocks import REACH, SIDE
from matey_core.models.pyramid.settings import PyramidSettings
from matey_core.nn.grid_encoding import FEATURES
from matey_core.nn.lead_time import WAVES as LEAD_WAVES
from matey_core.nn.spectral import num_waves
from matey_core.tokenizers import Tree


def cost_of(config: PyramidSettings, tree: Tree, inputs: Inputs) -> ForwardCost:
    """Cost of given cells; see `models.matey.cost`.

    Raises:
        ConfigError: the scheme cannot serve these cells.
    """
    own = _Pyramid(config, inputs)
    if not config.dimensions.depth:
        return ForwardCost(
            tokens=0, stem=own.stem, blocks=own.blocks, head=own.head, other=own.lead
        )
    as_fields = config.model_copy(update={"innovation": False, "trend": False})
    shown = replace(inputs, fields=config.dimensions.channels, frames=1)
    tokens = cost_of_tokens(as_fields, tree, shown)
    return ForwardCost(
        tokens=tokens.tokens,
        stem=own.stem + tokens.stem,
        blocks=own.blocks + tokens.blocks,
        head=own.head + tokens.head,
        other=own.lead + tokens.other,
    )


@dataclass(frozen=True, slots=True)
class _Pyramid:
    """Operations of all but the tokens."""

    config: PyramidSettings
    inputs: Inputs

    @property
    def stem(self) -> int:
        """Fields of every frame, and the place of a point, to its channels."""
        channels = self.config.dimensions.channels
        shown = self.inputs.fields * self.inputs.frames * self.config.channels
        places = 2 * sum(self.inputs.grid) * FEATURES * 2 * channels
        maps = 2 * 2 * channels * channels * shown
        points = 2 * math.prod(self.inputs.grid) * channels * (shown + 2 * channels)
        return places + maps + points

    @property
    def head(self) -> int:
        """Channels of a point to what is read of each field."""
        channels = self.config.dimensions.channels
        read = self.inputs.fields * self.config.outputs
        return 2 * math.prod(self.inputs.grid) * 2 * channels * (channels + read)

    @property
    def blocks(self) -> int:
        """Convolutions, spectral layers and changes of resolution."""
        channels, half_blocks = self.config.dimensions[:2]
        full, axes = self.inputs.grid, len(self.inputs.grid)
        half = tuple((points + 1) // 2 for points in full)
        block = self._block(full, channels) + self._waves(full, channels)
        changes = 2 * math.prod(half) * 2 * (2 * channels) * channels * 2**axes
        matrices = 2**axes * channels**2 * (6 * channels + 1) + 4 * channels**3
        join = 2 * math.prod(full) * channels**2 + 2 * matrices
        return 2 * block + half_blocks * self._block(half, 2 * channels) + changes + join

    @property
    def lead(self) -> int:
        """Embedding of the lead time, and of the sample's global context."""
        channels = self.config.dimensions.channels
        sample = 2 * channels * 6 * channels if self.config.global_context else 0
        return 2 * channels * (2 * (2 * LEAD_WAVES + 1) + channels) + sample

    def _block(self, shape: tuple[int, ...], width: int) -> int:
        around = math.prod(points + SIDE - 1 for points in shape)
        film = 2 * self.config.dimensions.channels * 2 * width
        return 2 * (around + math.prod(shape)) * SIDE ** len(shape) * width**2 + film

    def _waves(self, shape: tuple[int, ...], width: int) -> int:
        """Both transforms, back beyond the ends of the grid, and the matrix of every wave."""
        modes = self.config.waves_on(len(shape))
        if not modes:
            return 0
        kept = num_waves(shape, self.inputs.periodic, modes)
        around = tuple(points + 2 * REACH for points in shape)
        ahead, back = (_transform(each, kept) for each in (shape, around))
        return (ahead + back) * width + 8 * math.prod(kept) * width**2


def _transform(shape: tuple[int, ...], kept: tuple[int, ...]) -> int:
    """Operations of one channel's transform between points and waves."""
    operations = 2 * math.prod(shape) * 2 * kept[-1]
    for axis in range(len(shape) - 1):
        beside = math.prod(shape[:axis]) * math.prod(kept[axis + 1 :])
        operations += 2 * beside * 2 * kept[axis] * 2 * shape[axis]
    return operations
