"""What a forward pass costs, as a formula: operations of stem, blocks and head by tokens.

Matrix products of r rows by a k × m matrix are 2·r·k·m operations; attention inside a
sequence of n tokens of width d is 4·n²·d. As in `count_flops`, what is done element by
element is not counted, nor is the choice of cells.
"""

import math
from dataclasses import dataclass
from functools import partial

from matey_core.attention import SCHEMES
from matey_core.errors import ConfigError
from matey_core.fields import BOUNDARIES
from matey_core.models._cost import ForwardCost, Inputs
from matey_core.models._pairs import num_pairs
from matey_core.models.matey.settings import MateySettings
from matey_core.nn.factors import stage_factors
from matey_core.nn.lead_time import WAVES as LEAD_WAVES
from matey_core.nn.measure import widened
from matey_core.tokenizers import TOKENIZERS, Tree, num_tokens
from matey_core.tokenizers._positions import MAX_AXES, WAVES


def cost_of(config: MateySettings, tree: Tree, inputs: Inputs) -> ForwardCost:
    """Cost of given cells.

    Args:
        config: settings of the model; how its tokenizer chose the cells does not matter.
        tree: cells of one sample.
        inputs: grid, fields and frames.

    Raises:
        ConfigError: the scheme cannot serve these cells.
    """
    passes = TOKENIZERS[config.tokenizer.name](tree)
    count_pairs = partial(
        num_pairs, config.scheme, passes, tree, shape=inputs.grid, history=inputs.frames
    )
    pairs = count_pairs()
    if pairs is None:
        raise ConfigError(f"The {config.scheme} scheme needs cells of one size.")
    counts = [(each, int(each.mask.sum())) for cells in passes for each in cells.cells]
    stem = head = 0
    for each, count in counts:
        sizes = _Sizes.of(config, tree.patches[each.level], inputs.fields)
        stem += sizes.stem(count * inputs.frames)
        head += sizes.head(count) if each.is_leaf else 0
    tokens = sum(count for _, count in counts)
    return ForwardCost(
        tokens=int(num_tokens(passes)[0]),
        stem=stem,
        blocks=_blocks(config, rows=tokens * inputs.frames, pairs=pairs)
        + _measures(config, count_pairs(of_sizes=True) or 0),
        head=head,
        other=_positions(config, tokens, inputs.frames, len(passes)) + len(passes) * _lead(config),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sizes:
    """Sizes of the stem and the head of one patch."""

    width: int
    inner: int
    factors: tuple[int, int, int]
    """Points, cells of the first and of the second stage that a stage joins."""
    channels: int
    outputs: int

    @classmethod
    def of(cls, config: MateySettings, patch: tuple[int, ...], fields: int) -> "_Sizes":
        axes = [stage_factors(side) for side in patch]
        first, second, third = (math.prod(axis[stage] for axis in axes) for stage in range(3))
        return cls(
            width=config.sizes.width,
            inner=config.sizes.width // 4,
            factors=(first, second, third),
            channels=fields * (2 if config.innovation else 1),
            outputs=fields * (2 if config.trend else 1),
        )

    def stem(self, rows: int) -> int:
        return self._stages(rows, self.channels)

    def head(self, rows: int) -> int:
        return self._stages(rows, self.outputs)

    def _stages(self, rows: int, channels: int) -> int:
        """The three products, and the one that makes the kernel from the fields' vectors."""
        first, second, third = self.factors
        kernel = 2 * first * channels * self.inner**2
        points = 2 * rows * third * second * first * channels * self.inner
        middle = 2 * rows * third * second * self.inner**2
        return kernel + points + middle + 2 * rows * third * self.inner * self.width


def _blocks(config: MateySettings, *, rows: int, pairs: int) -> int:
    width, depth, _ = config.sizes
    stages = SCHEMES[config.scheme].num_stages
    projections, mlp = 8 * stages * rows * width**2, 16 * rows * width**2
    return depth * (projections + mlp + 4 * pairs * width)


def _measures(config: MateySettings, pairs: int) -> int:
    """What heads cost more where channels for the measure widen them."""
    width, depth, heads = config.sizes
    if not config.measure:
        return 0
    return depth * 4 * pairs * (heads * widened(width // heads) - width)


def _positions(config: MateySettings, tokens: int, frames: int, passes: int) -> int:
    width = config.sizes.width
    if config.position == "boundary":
        features = MAX_AXES * (4 * WAVES + len(BOUNDARIES) + 1)
        return 2 * tokens * (features + width) * width + 2 * passes * frames * (
            (2 * WAVES + 1) * width
        )
    if config.position == "fourier":
        return 2 * tokens * (MAX_AXES + 1) * width**2 + 2 * passes * frames * width**2
    return 0


def _lead(config: MateySettings) -> int:
    width = config.sizes.width
    cost = 2 * 2 * (2 * LEAD_WAVES + 1) * width + 2 * width**2
    if config.conditioning == "every_block":
        cost += 2 * 3 * (SCHEMES[config.scheme].num_stages + 1) * width**2
    return cost
