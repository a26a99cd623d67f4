"""From finished cells to figures: learning rates chosen, medians, intervals, ratios."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from matey_core.cells import METRICS, CellResult, Equal, Scalar, Task
from matey_core.studies.rules import ClockName, RuleConfig
from matey_core.studies.statistics import Interval, Kind, interval_of, kind_of, ratio_of

FIGURES = (*METRICS, "last")
"""What a cell is judged by: its errors, and the nRMSE of the last frame of its rollout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmResult:
    """One arm in one comparison."""

    arm: str
    steps: int
    learning_rate: float
    """That has the smallest median error on validation data."""
    step_seconds: float
    """Mean time of a step while training; median over seeds."""
    validation: Interval
    errors: dict[str, Interval]
    """Metric → error on test trajectories."""
    ratios: dict[str, Interval]
    """Metric → error over that of the reference arm, seed by seed."""
    diverged: int
    """Seeds whose training diverged; their errors are ∞."""

    @property
    def train_seconds(self) -> float:
        """Time of all steps."""
        return self.steps * self.step_seconds if self.steps else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """All arms at one value of every axis, at the same budget."""

    at: dict[str, Scalar]
    """Axis → value, without seeds."""
    equal: Equal
    """What all arms have alike."""
    amount: float
    """How much of it: steps, or seconds."""
    seeds: tuple[str, ...]
    """Those that all arms have finished."""
    intervals: Kind
    reference: str
    """Name of the arm that ratios are to."""
    arms: tuple[ArmResult, ...]
    persistence: dict[str, float]
    """Metric → error of repeating the last known frame."""
    is_uninformative: bool
    """Whether every arm fails, so that nothing can be judged."""

    def arm(self, name: str) -> ArmResult | None:
        """Find an arm; None where it has no cells here."""
        return next((each for each in self.arms if each.arm == name), None)


def compare(
    tasks: Sequence[Task],
    results: Mapping[str, CellResult],
    rules: RuleConfig,
    *,
    reference: str,
    clock: ClockName = "wall",
) -> tuple[Comparison, ...]:
    """Summarize the seeds that are complete, for all values of the axes that have any.

    Args:
        tasks: all cells, finished or not.
        results: of the finished ones, by their hash.
        rules: how they are scored.
        reference: arm that ratios are to; where it has no cells, the first that has.
        clock: that times of steps are from.
    """
    found = []
    for place in dict.fromkeys(tuple(task.point.at.items()) for task in tasks):
        here = [task for task in tasks if tuple(task.point.at.items()) == place]
        if cells := _complete(here, results):
            most = max(here, key=lambda task: task.amount)  # some arms train nothing
            found.append(_compare(most, cells, rules, reference, clock))
    return tuple(found)


Cells = dict[str, dict[float, dict[str, CellResult]]]
"""Arm → learning rate → seed → result."""


def _complete(tasks: Sequence[Task], results: Mapping[str, CellResult]) -> Cells:
    """Results of those seeds of which all arms and learning rates are finished."""
    waiting = {task.point.seed for task in tasks if task.cell.key not in results}
    cells: Cells = {}
    for task in tasks:
        point = task.point
        if point.seed not in waiting:
            rates = cells.setdefault(point.arm, {}).setdefault(point.learning_rate, {})
            rates[point.seed] = results[task.cell.key]
    return cells


def _compare(
    task: Task, cells: Cells, rules: RuleConfig, reference: str, clock: ClockName
) -> Comparison:
    reference = reference if reference in cells else next(iter(cells))
    chosen = {arm: _best_rate(by_rate) for arm, by_rate in cells.items()}
    seeds = tuple(next(iter(next(iter(cells.values())).values())))
    kind = kind_of(rules.intervals, len(seeds))
    below = _errors(list(chosen[reference][1].values()), rules, kind)
    arms = tuple(
        _summary(arm, rate, list(by_seed.values()), below, rules, kind, clock)
        for arm, (rate, by_seed) in chosen.items()
    )
    known = [
        each for _, by_seed in chosen.values() for each in by_seed.values() if not each.failure
    ]
    return Comparison(
        at=task.point.at,
        equal=task.point.equal,
        amount=task.amount,
        seeds=seeds,
        intervals=kind,
        reference=reference,
        arms=arms,
        persistence=_persistence(known[0], rules) if known else dict.fromkeys(FIGURES, math.inf),
        is_uninformative=all(
            each.errors[rules.metric].median > rules.uninformative for each in arms
        ),
    )


def _best_rate(
    by_rate: Mapping[float, Mapping[str, CellResult]],
) -> tuple[float, Mapping[str, CellResult]]:
    """The learning rate that is best on validation data, and its cells; of equals the first."""
    return min(
        by_rate.items(),
        key=lambda item: interval_of([each.validation for each in item[1].values()]).median,
    )


def _summary(
    arm: str,
    rate: float,
    results: Sequence[CellResult],
    below: Mapping[str, Interval],
    rules: RuleConfig,
    kind: Kind,
    clock: ClockName,
) -> ArmResult:
    step = "step_cpu_seconds" if clock == "cpu" else "step_seconds"
    errors = _errors(results, rules, kind)
    return ArmResult(
        arm=arm,
        steps=results[0].steps,
        learning_rate=rate,
        step_seconds=statistics.median(getattr(each, step) for each in results),
        validation=interval_of([each.validation for each in results], kind),
        errors=errors,
        ratios={name: ratio_of(errors[name], below[name], kind) for name in FIGURES},
        diverged=sum(bool(each.failure) for each in results),
    )


def _errors(results: Sequence[CellResult], rules: RuleConfig, kind: Kind) -> dict[str, Interval]:
    return {
        name: interval_of([_error(each, name, rules) for each in results], kind) for name in FIGURES
    }


def _error(result: CellResult, metric: str, rules: RuleConfig) -> float:
    if metric == "last":
        return _last(result.leads, rules)
    if metric == "rollout" and rules.rollout_frames and result.leads:
        return statistics.fmean(result.leads[: rules.rollout_frames])
    return result.errors[metric]


def _persistence(result: CellResult, rules: RuleConfig) -> dict[str, float]:
    values = {**result.persistence, "last": _last(result.persistence_leads, rules)}
    if rules.rollout_frames and result.persistence_leads:
        values["rollout"] = statistics.fmean(result.persistence_leads[: rules.rollout_frames])
    return values


def _last(leads: Sequence[float], rules: RuleConfig) -> float:
    """The last frame that counts; ∞ where none is known."""
    counted = leads[: rules.rollout_frames]
    return counted[-1] if counted else math.inf
