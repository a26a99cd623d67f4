"""From finished cells to figures: learning rates chosen, medians, intervals, ratios."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from matey_core.studies.equal_cost.arms import Arm
from matey_core.studies.equal_cost.cells import METRICS, CellResult
from matey_core.studies.equal_cost.costs import ArmCost

Equal = Literal["seconds", "steps"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """Median over seeds, and the smallest and the largest value of a seed."""

    median: float
    low: float
    high: float
    values: tuple[float, ...]
    """One a seed, in the order of the seeds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """One arm in one comparison."""

    arm: Arm
    cost: ArmCost
    steps: int
    learning_rate: float
    """That has the smallest median error on validation data."""
    train_seconds: float
    """Mean time of a step while training, times their number; median over seeds."""
    validation: Interval
    errors: dict[str, Interval]
    """Metric → error on test trajectories."""
    ratios: dict[str, Interval]
    """Metric → error over that of the finest uniform patch, seed by seed."""
    diverged: int
    """Seeds whose training diverged; their errors are ∞."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All arms of a store at equal steps or at equal seconds."""

    store: str
    equal: Equal
    amount: float
    """Seconds, or steps, of every cell."""
    seeds: tuple[int, ...]
    """Seeds that all arms have finished."""
    arms: tuple[ArmResult, ...]
    """The finest uniform one is the last of the uniform ones."""
    persistence: dict[str, float]
    """Metric → error of repeating the last known frame."""

    @property
    def fine(self) -> ArmResult:
        """The arm that others are compared with."""
        return [each for each in self.arms if each.arm.is_uniform][-1]


def interval_of(values: Sequence[float]) -> Interval:
    """Summarize one value a seed; NaN, which has no order, counts as ∞."""
    known = tuple(math.inf if math.isnan(value) else value for value in values)
    return Interval(median=statistics.median(known), low=min(known), high=max(known), values=known)


def ratio_of(above: Interval, below: Interval) -> Interval:
    """Divide seed by seed: what a seed does to both arms cancels.

    A finite error over ∞ is 0: the arm that did not diverge is better. ∞ over ∞ is ∞.
    """
    pairs = zip(above.values, below.values, strict=True)
    return interval_of([math.inf if math.isinf(a) or b == 0 else a / b for a, b in pairs])


def compare(
    cells: Mapping[str, Mapping[float, Sequence[CellResult]]],
    *,
    arms: Sequence[Arm],
    costs: Mapping[str, ArmCost],
    store: str,
    equal: Equal,
    amount: float,
) -> Comparison:
    """Summarize the cells of a comparison.

    Args:
        cells: arm → learning rate → one result a seed, in the same order everywhere.
        arms: those to compare, the finest uniform one the last of the uniform ones.
        costs: what a step of each costs.
        store: name of the store.
        equal: what all cells have in common.
        amount: how much of it.
    """
    chosen = {arm.name: _best_rate(cells[arm.name]) for arm in arms}
    fine = _errors(chosen[[arm.name for arm in arms if arm.is_uniform][-1]])
    first = chosen[arms[0].name]
    known = [result for results in chosen.values() for result in results if not result.failure]
    return Comparison(
        store=store,
        equal=equal,
        amount=amount,
        seeds=tuple(result.seed for result in first),
        arms=tuple(_summary(arm, costs[arm.name], chosen[arm.name], fine) for arm in arms),
        persistence=dict(known[0].persistence) if known else dict.fromkeys(METRICS, math.inf),
    )


def _best_rate(by_rate: Mapping[float, Sequence[CellResult]]) -> Sequence[CellResult]:
    """The cells of the learning rate that is best on validation data; of equals the first."""
    return min(
        by_rate.values(),
        key=lambda results: interval_of([result.validation for result in results]).median,
    )


def _summary(
    arm: Arm, cost: ArmCost, results: Sequence[CellResult], fine: Mapping[str, Interval]
) -> ArmResult:
    errors = _errors(results)
    return ArmResult(
        arm=arm,
        cost=cost,
        steps=results[0].steps,
        learning_rate=results[0].learning_rate,
        train_seconds=statistics.median(each.step_seconds * each.steps for each in results),
        validation=interval_of([each.validation for each in results]),
        errors=errors,
        ratios={name: ratio_of(errors[name], fine[name]) for name in METRICS},
        diverged=sum(bool(each.failure) for each in results),
    )


def _errors(results: Sequence[CellResult]) -> dict[str, Interval]:
    return {name: interval_of([each.errors[name] for each in results]) for name in METRICS}
