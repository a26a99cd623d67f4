"""From operations or seconds to the number of tokens that they allow."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from matey_core.errors import ConfigError
from matey_core.models import AdaptiveConfig, ForwardCost, Inputs

NUM_DRAWN = 8
"""Different numbers of tokens that a range is reduced to."""
LOOK_AHEAD = 16
"""Numbers of tokens that are tried beyond one whose successor costs too much."""
CORRECTIONS = 3
"""Corrections of a number of tokens whose measured time was too long."""

Timed = Callable[[Sequence[int]], list[float]]
"""Numbers of tokens → seconds of a step with each, measured side by side."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetedTokens:
    """What a budget came to."""

    tokens: int
    """Of a frame, at most."""
    flops: int
    """Operations of a sample, forward, where they are most."""
    seconds: float | None = None
    """Of a step, where it was measured."""


class BudgetSolver:
    """What numbers of tokens cost on all grids that a model shall serve."""

    def __init__(self, config: AdaptiveConfig, stores: Sequence[Inputs]) -> None:
        """Look up the fewest and the most tokens there can be.

        Args:
            config: settings of the model; its budget does not matter.
            stores: what the model is shown, at least one.

        Raises:
            ConfigError: the model's cost is not known, or its cells do not fit.
            ShapeError: a grid is smaller than a patch.
        """
        self.config = config
        self.stores = tuple(dict.fromkeys(stores))
        shapes = [_extremes(config, inputs) for inputs in self.stores]
        self.fewest = max(fewest for fewest, _ in shapes)
        self.most = max(most for _, most in shapes)
        self._cost = lru_cache(maxsize=None)(self._costs)

    def cost(self, tokens: int) -> ForwardCost:
        """Cost of a sample where it is largest.

        Raises:
            ConfigError: some grid has no tree with this number of tokens.
        """
        found = self._cost(tokens)
        if isinstance(found, ConfigError):
            raise found
        return found

    def reachable(self, tokens: int) -> int:
        """The largest number up to `tokens` that there is a tree for on all grids.

        Raises:
            ConfigError: `tokens` are fewer than the coarsest cells.
        """
        if tokens < self.fewest:
            raise ConfigError(
                f"{tokens} tokens are fewer than the {self.fewest} coarsest cells of "
                f"{_largest(self.stores)}.",
                remedy=f"Allow {self.fewest} tokens or more, or begin model.tokenizer.patch with "
                "a coarser size.",
            )
        tokens = min(tokens, self.most)
        while tokens > self.fewest and isinstance(self._cost(tokens), ConfigError):
            tokens -= 1
        return tokens

    def for_flops(self, flops: float) -> BudgetedTokens:
        """Spend operations of a sample and forward pass: the largest number of tokens they allow.

        Raises:
            ConfigError: the coarsest cells alone cost more.
        """
        low, high = self.fewest, self.most
        least = self.cost(low).flops
        if least > flops:
            raise ConfigError(
                f"{quantity(flops)}FLOP a sample and forward pass are too few: the {low} coarsest "
                f"cells of {_largest(self.stores)} take {quantity(least)}FLOP.",
                remedy=f"Allow {quantity(1.001 * least).replace(' ', '')}, or choose a smaller "
                "model or a coarser patch.",
            )
        while low < high:
            middle = (low + high + 1) // 2
            if self.cost(self.reachable(middle)).flops <= flops:
                low = middle
            else:
                high = middle - 1
        # A few more can cost less: parents that fill up a budget cost more than their children.
        near = {self.reachable(low + more) for more in range(LOOK_AHEAD)}
        tokens = max(number for number in near if self.cost(number).flops <= flops)
        return BudgetedTokens(tokens=self.cost(tokens).tokens, flops=self.cost(tokens).flops)

    def for_seconds(self, seconds: float, timed: Timed) -> BudgetedTokens:
        """Spend seconds of a step: measure a few numbers of tokens, fit, measure the answer.

            t(N) ≈ a + b · FLOPs(N),   a, b ≥ 0,   by least squares of relative errors

        Args:
            seconds: of a step.
            timed: measures steps.

        Raises:
            ConfigError: a step with the coarsest cells alone takes longer.
        """
        times = self._probes(seconds, timed)
        fastest = times[self.fewest]
        if fastest > seconds:
            raise ConfigError(
                f"{seconds:.3g} s a step are too few: with the {self.fewest} coarsest cells it "
                f"takes {fastest:.3g} s here.",
                remedy=f"Allow {1.1 * fastest:.2g} s, or choose a smaller model, a smaller batch "
                "or a coarser patch.",
            )
        target = seconds
        for _ in range(CORRECTIONS):
            tokens = self._inverted(target, times)
            if tokens not in times:
                (times[tokens],) = timed([tokens])
            if times[tokens] <= seconds:
                break
            target *= 0.98 * seconds / times[tokens]
        tokens = max(number for number, taken in times.items() if taken <= seconds)
        cost = self.cost(tokens)
        return BudgetedTokens(tokens=cost.tokens, flops=cost.flops, seconds=times[tokens])

    def spread(self, fewest: int, most: int) -> tuple[int, ...]:
        """A few numbers of tokens from `fewest` to `most`, evenly spaced in their logarithm.

        Raises:
            ConfigError: `fewest` are fewer than the coarsest cells.
        """
        self.reachable(fewest)
        wanted = np.geomspace(fewest, most, NUM_DRAWN).round().astype(int).tolist()
        return tuple(sorted({max(self.fewest, self.reachable(number)) for number in wanted}))

    def _probes(self, seconds: float, timed: Timed) -> dict[int, float]:
        """Double the tokens until a step takes too long, then measure the last few together."""
        numbers, tokens = [self.fewest], self.fewest
        (taken,) = timed(numbers)
        while taken < seconds and tokens < self.most:
            tokens = self.reachable(min(2 * tokens, self.most))
            if tokens == numbers[-1]:
                tokens = self.most
            numbers.append(tokens)
            (taken,) = timed([tokens])
        numbers = sorted({numbers[0], *numbers[-3:]})
        return dict(zip(numbers, timed(numbers), strict=True))

    def _inverted(self, seconds: float, times: dict[int, float]) -> int:
        numbers = sorted(times)
        flops = np.array([self.cost(number).flops for number in numbers], dtype=float)
        taken = np.array([times[number] for number in numbers])
        offset, rate = _line(flops, taken)
        allowed = (seconds - offset) / rate if rate > 0 else math.inf
        if allowed <= self.cost(self.fewest).flops:
            return self.fewest
        if allowed >= self.cost(self.reachable(self.most)).flops:
            return self.reachable(self.most)
        return self.for_flops(allowed).tokens

    def _costs(self, tokens: int) -> ForwardCost | ConfigError:
        config = self.config.with_tokenizer(self.config.tokenization.with_tokens(tokens))
        try:
            costs = [config.cost(inputs) for inputs in self.stores]
        except ConfigError as error:
            return error
        return max(costs, key=lambda cost: cost.flops)


def quantity(number: float) -> str:
    """Write a number with an SI prefix, such as "2.5 G"."""
    for prefix, unit in (("P", 1e15), ("T", 1e12), ("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if number >= unit:
            return f"{number / unit:.4g} {prefix}"
    return f"{number:.4g} "


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Offset and slope, neither negative, with the least relative errors."""
    weighted = np.stack([1 / y, x / y], axis=1)
    offset, slope = np.linalg.lstsq(weighted, np.ones_like(y), rcond=None)[0].tolist()
    if offset < 0:
        ratio = x / y
        return 0.0, float(ratio.sum() / (ratio**2).sum())
    if slope <= 0:
        return float(np.median(y)), 0.0
    return float(offset), float(slope)


def _extremes(config: AdaptiveConfig, inputs: Inputs) -> tuple[int, int]:
    """Fewest and most tokens of a frame: nothing refined, and everything."""
    counts = []
    for ratio in (0.0, 1.0):
        tokenizer = config.tokenization.with_ratio(ratio)
        counts.append(config.with_tokenizer(tokenizer).cost(inputs).tokens)
    return counts[0], counts[1]


def _largest(stores: Sequence[Inputs]) -> str:
    if len(stores) > 1:
        return "the largest grid"
    return f"a grid of {'×'.join(map(str, stores[0].grid))}"
