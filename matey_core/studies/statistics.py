"""Medians over seeds, and how far they can be trusted."""

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Kind = Literal["range", "bootstrap"]
DRAWS = 2000
"""Samples of a bootstrap."""
COVERAGE = 0.95
FEW = 5
"""Below this many seeds a bootstrap says nothing: the range is given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Median over seeds, and an interval around it."""

    median: float
    low: float
    high: float
    values: tuple[float, ...]
    """One a seed, in the order of the seeds."""


def kind_of(intervals: str, seeds: int) -> Kind:
    """Which interval is given for so many seeds."""
    if intervals == "auto":
        return "range" if seeds < FEW else "bootstrap"
    return "bootstrap" if intervals == "bootstrap" else "range"


def interval_of(values: Sequence[float], kind: Kind = "range") -> Interval:
    """Summarize one value a seed; NaN, which has no order, counts as ∞.

    Args:
        values: at least one.
        kind: `range` is the smallest and the largest; `bootstrap` holds 95 % of the medians of
            as many values, drawn from these again and again.
    """
    known = tuple(math.inf if math.isnan(value) else value for value in values)
    low, high = (min(known), max(known)) if kind == "range" else _bootstrap(known)
    return Interval(median=statistics.median(known), low=low, high=high, values=known)


def ratio_of(above: Interval, below: Interval, kind: Kind = "range") -> Interval:
    """Divide seed by seed: what a seed does to both arms cancels.

    A finite error over ∞ is 0: the arm that did not diverge is better. ∞ over ∞ is ∞.
    """
    pairs = zip(above.values, below.values, strict=True)
    ratios = [math.inf if math.isinf(a) or b == 0 else a / b for a, b in pairs]
    return interval_of(ratios, kind)


def chance(seeds: int) -> float:
    """How often one of two equally good arms is better with every seed."""
    return 2 * 0.5**seeds


def _bootstrap(values: Sequence[float]) -> tuple[float, float]:
    draw = random.Random(0)
    medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(DRAWS))
    cut = round((1 - COVERAGE) / 2 * DRAWS)
    return medians[cut], medians[-1 - cut]
