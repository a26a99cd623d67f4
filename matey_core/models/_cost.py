"""What a model is shown of a store, and what a forward pass of it costs."""

from dataclasses import dataclass

import torch

from matey_core.nn.shift import Shift
from matey_core.tokenizers import TokenizerConfig, Tree, grow


@dataclass(frozen=True, slots=True, kw_only=True)
class Inputs:
    """What a model is shown of a store."""

    grid: tuple[int, ...]
    """Points per axis."""
    periodic: tuple[bool, ...]
    fields: int
    frames: int
    """Of the history."""
    moves: bool = False
    """Whether cells begin where every step draws it: bounded axes then have up to one coarsest
    cell more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardCost:
    """Operations of one sample at one lead time, forward."""

    tokens: int
    """Of a frame, over all passes."""
    stem: int
    blocks: int
    head: int
    other: int
    """Positions and lead time."""

    @property
    def flops(self) -> int:
        """All of them."""
        return self.stem + self.blocks + self.head + self.other


def plan(config: TokenizerConfig, inputs: Inputs) -> Tree:
    """Cells of a sample of noise: how many of each level a budget allows on a grid.

    With γ, balanced trees and cells of padding the numbers of a level follow from the fields:
    those of noise stand for them.

    Raises:
        ConfigError: no tree of cells has the number of tokens asked for.
        ShapeError: the grid is smaller than a patch.
    """
    noise = torch.rand(1, 1, 1, *inputs.grid, generator=torch.Generator().manual_seed(0))
    same = config.model_copy(update={"criterion": "variance"})
    return grow(same, noise, periodic=inputs.periodic, shift=_widest(config, inputs))


def _widest(config: TokenizerConfig, inputs: Inputs) -> Shift | None:
    """The shift that takes most cells, where there are shifts."""
    if not inputs.moves:
        return None
    side = config.on(inputs.grid).levels[0]
    return Shift.of(
        (side - 1,) * len(inputs.grid), shape=inputs.grid, periodic=inputs.periodic, side=side
    )
