"""Cells that change from call to call of a rollout, so that no edge stays where it is."""

import itertools
import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Literal

import torch

from matey_core.errors import ConfigError
from matey_core.fields import Grid
from matey_core.models import Model, adaptive, tokenized
from matey_core.nn.shift import Shift
from matey_core.tokenizers import TokenizerConfig, grow

CycleName = Literal["ladder", "sizes"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """What differs between the calls of a model in one rollout."""

    jitter: int | None = None
    """Seed of the shifts that the calls draw for their cells; without one nothing is shifted."""
    cycle: tuple[TokenizerConfig, ...] = ()
    """Settings that the calls take in turn; without any, each takes the model's own."""

    @contextmanager
    def at(self, call: int, model: Model, grid: Grid) -> Iterator[None]:
        """Put the settings of one call in force, until the block ends.

        Args:
            call: number of the call, from 0.
            model: what is called.
            grid: of the fields.

        Raises:
            ConfigError: the model cannot work so.
        """
        with ExitStack() as settings:
            if self.cycle:
                tokenizer = self.cycle[call % len(self.cycle)]
                settings.enter_context(adaptive(model, what="cycle").retokenized(tokenizer))
            if self.jitter is not None:
                cutting = adaptive(model, what="jitter")
                settings.enter_context(cutting.jittered(grid, seed=self.jitter, step=call))
            yield

    def check(self, model: Model, grid: Grid) -> None:
        """Refuse before the first call what a later one could not do.

        Args:
            model: what will be called.
            grid: of the fields.

        Raises:
            ConfigError: the model cannot work so, or no tree of cells has its number of tokens
                wherever a shift lets the cells begin.
            ShapeError: the grid is smaller than a patch.
        """
        if not self.cycle and self.jitter is None and tokenized(model) is None:
            return
        cutting = adaptive(model, what="cycle" if self.cycle else "jitter")
        for tokenizer in self.cycle or (cutting.tokenizing,):
            for shift in self._shifts(tokenizer, grid):
                with cutting.retokenized(tokenizer), cutting.shifted(shift):
                    _count_cells(tokenizer, grid, shift)

    def largest_uniform(self, grid: Grid) -> int:
        """Cells of the finest uniform pass of a cycle, at most; 0 where there is none."""
        passes = [tokenizer for tokenizer in self.cycle if tokenizer.name == "uniform"]
        moves = self.jitter is not None
        return max((_most_cells(grid, each.patch[-1], moves=moves) for each in passes), default=0)

    def _shifts(self, tokenizer: TokenizerConfig, grid: Grid) -> list[Shift | None]:
        """A shift for every number of coarsest cells that there can be."""
        if self.jitter is None:
            return [None]
        side = tokenizer.on(grid.shape).levels[0]
        corners = itertools.product((0, side - 1), repeat=grid.num_axes)
        shifts = [_shift(grid, points, side) for points in corners]
        return list({math.prod(shift.cells): shift for shift in shifts}.values())


def cycle_of(
    tokenizer: TokenizerConfig, name: CycleName, grid: Grid, *, moves: bool = False
) -> tuple[TokenizerConfig, ...]:
    """List the settings that one trained model can take in turn on a grid.

    `ladder` begins with the model's own settings. `adap_mix` then drops its coarsest size, one
    after another, down to the finest alone; `adap_mul`, whose finer heads have learned
    corrections only, drops its finest sizes up to the coarsest alone. `sizes` are uniform
    passes, one a size, of `adap_mix`: each head has been trained, the coarse ones on smooth
    cells. A budget of tokens too small to split a single cell means a uniform pass.

    Args:
        tokenizer: settings the model was trained with.
        name: of the schedule.
        grid: of the fields.
        moves: whether cells begin elsewhere in every call, so that there can be more of them.

    Raises:
        ConfigError: the model has only one size that predicts by itself.
    """
    own = tokenizer.on(grid.shape)
    sizes = own.levels
    if own.name == "adap_mul":
        parts = [own.patch[:count] for count in range(len(sizes), 0, -1)]
    else:
        parts = [own.patch[start:] for start in range(len(sizes))]
    if name == "sizes" and own.name == "adap_mix":
        return tuple(_uniform(size) for size in sizes)
    if len(sizes) == 1 or name == "sizes":
        raise ConfigError(
            f"There is nothing to cycle through: {own.name} with patches of "
            f"{' and '.join(map(str, sizes))} points has one size that predicts by itself.",
            remedy="Leave --cycle out, or choose --cycle ladder or a model with several sizes.",
        )
    return tuple(_reduced(own, part, grid, moves=moves) for part in parts)


def _count_cells(tokenizer: TokenizerConfig, grid: Grid, shift: Shift | None) -> None:
    """Grow a tree on noise: whether one has the number of tokens does not depend on the fields.

    Raises:
        ConfigError: no tree has it.
        ShapeError: the grid is smaller than a patch.
    """
    if tokenizer.tokens is None:
        return
    noise = torch.rand(1, 1, 1, *grid.shape, generator=torch.Generator().manual_seed(0))
    same = tokenizer.model_copy(update={"criterion": "variance"})
    grow(same, noise, periodic=grid.periodic, shift=shift)


def _uniform(size: int) -> TokenizerConfig:
    return TokenizerConfig(name="uniform", patch=(size,))


def _reduced(
    tokenizer: TokenizerConfig, patch: tuple[int, ...], grid: Grid, *, moves: bool
) -> TokenizerConfig:
    """The same settings with fewer sizes."""
    if len(patch) == 1:
        return _uniform(patch[0])
    if tokenizer.tokens is not None and patch != tokenizer.patch:
        pieces = (patch[0] // patch[1]) ** grid.num_axes
        if tokenizer.tokens < _most_cells(grid, patch[0], moves=moves) + pieces:
            return _uniform(patch[0])
    return tokenizer.model_copy(update={"patch": patch})


def _most_cells(grid: Grid, side: int, *, moves: bool) -> int:
    """Cells of one size that cover a grid; where they move, with the shift that takes most."""
    return math.prod(_shift(grid, (side - 1 if moves else 0,) * grid.num_axes, side).cells)


def _shift(grid: Grid, points: tuple[int, ...], side: int) -> Shift:
    return Shift.of(points, shape=grid.shape, periodic=grid.periodic, side=side)
