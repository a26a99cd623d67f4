"""Cells that change from call to call of a rollout, so that no edge stays where it is."""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Literal

from matey_core.errors import ConfigError
from matey_core.fields import Grid
from matey_core.models import Model
from matey_core.tokenizers import TokenizerConfig

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
                settings.enter_context(model.retokenized(tokenizer))
            if self.jitter is not None:
                settings.enter_context(model.jittered(grid, seed=self.jitter, step=call))
            yield


def cycle_of(
    tokenizer: TokenizerConfig, name: CycleName, shape: tuple[int, ...]
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
        shape: points per axis of the grid, without padding.

    Raises:
        ConfigError: the model has only one size that predicts by itself.
    """
    own = tokenizer.on(shape)
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
    return tuple(_reduced(own, part, shape) for part in parts)


def _uniform(size: int) -> TokenizerConfig:
    return TokenizerConfig(name="uniform", patch=(size,))


def _reduced(
    tokenizer: TokenizerConfig, patch: tuple[int, ...], shape: tuple[int, ...]
) -> TokenizerConfig:
    """The same settings with fewer sizes."""
    if len(patch) == 1:
        return _uniform(patch[0])
    if tokenizer.tokens is not None and patch != tokenizer.patch:
        roots = math.prod(-(-points // patch[0]) for points in shape)
        pieces = (patch[0] // patch[1]) ** len(shape)
        if tokenizer.tokens < roots + pieces:
            return _uniform(patch[0])
    return tokenizer.model_copy(update={"patch": patch})
