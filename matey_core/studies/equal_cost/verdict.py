"""One plain sentence about a comparison, by rule."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from matey_core.studies.comparison import ArmResult, Comparison
from matey_core.studies.equal_cost.arms import Arm
from matey_core.studies.equal_cost.costs import ArmCost
from matey_core.studies.statistics import Interval, ratio_of
from matey_core.studies.words import NAMES, heading

CLOSE = 1.03
"""At equal steps, errors up to this multiple of the finest uniform patch's count as reached."""
Outcome = Literal["adaptive", "uniform", "none", "uninformative"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EqualCostVerdict:
    """Who wins, and what that rests on."""

    outcome: Outcome
    sentence: str
    adaptive: str = ""
    """Name of the adaptive arm that the sentence is about."""
    uniform: str = ""
    """Name of the uniform arm that it is compared with."""
    ratio: Interval | None = None
    """Error of the adaptive arm over that uniform one's, seed by seed."""


def verdict_of(
    comparison: Comparison,
    metric: str,
    *,
    arms: Mapping[str, Arm],
    costs: Mapping[str, ArmCost],
) -> EqualCostVerdict:
    """Judge a comparison.

    At equal seconds, the adaptive and the uniform arm that are best on validation data are
    compared on test data: one wins where it is better with every seed, which n seeds of equally
    good arms are by chance in 2 · ½ⁿ of all cases. At equal steps, the question is which arm is
    the cheapest that comes within 3 % of the finest uniform patch on validation data; it wins
    where it does on test data, too.

    Args:
        comparison: with at least one adaptive arm.
        metric: which error decides.
        arms: by name.
        costs: of the store's arms, by name.
    """
    every = [
        _Side(result=each, arm=arms[each.arm], cost=costs[each.arm]) for each in comparison.arms
    ]
    judge = _Judge(comparison, metric, every)
    return judge.at_equal_seconds() if comparison.equal == "seconds" else judge.at_equal_steps()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Side:
    """An arm: what it is, what it costs, what came out."""

    result: ArmResult
    arm: Arm
    cost: ArmCost

    @property
    def time(self) -> float:
        return self.cost.step_seconds

    def has(self, metric: str) -> Interval:
        return self.result.errors[metric]

    def distance(self, other: "_Side") -> float:
        """Error on validation data, of one step, over that of another."""
        return ratio_of(self.result.validation, other.result.validation).median

    def share(self, fine: "_Side") -> str:
        """What its step costs of another's."""
        parts = [
            100 * self.time / fine.time,
            100 * self.cost.tokens / fine.cost.tokens,
            100 * self.cost.flops / fine.cost.flops,
        ]
        return "{:.0f} % of its time a step ({:.0f} % of its tokens, {:.0f} % of its FLOPs)".format(
            *parts
        )


class _Judge:
    """One comparison, before its judge."""

    def __init__(self, comparison: Comparison, metric: str, sides: Sequence[_Side]) -> None:
        self.comparison = comparison
        self.metric = metric
        self.error = NAMES[metric]
        self.sides = sides
        self.adaptive = [each for each in sides if not each.arm.is_uniform]
        self.uniform = [each for each in sides if each.arm.is_uniform]
        self.fine = self.uniform[-1]
        self.where = (
            f"On {heading(comparison.at)} at equal {comparison.equal} ({comparison.amount:g})"
        )

    def at_equal_seconds(self) -> EqualCostVerdict:
        adaptive, uniform = _best(self.adaptive), _best(self.uniform)
        if reason := self._hindrance(adaptive, uniform):
            return self._nothing(reason)
        ratio = ratio_of(adaptive.has(self.metric), uniform.has(self.metric))
        name, side = adaptive.arm.label, uniform.arm.patch[-1]
        outcome: Outcome
        if ratio.high < 1:
            outcome = "adaptive"
            reason = (
                f"{name} has {_less(ratio)} less {self.error} than the best uniform patch ({side})."
            )
        elif ratio.low > 1:
            outcome = "uniform"
            reason = (
                f"uniform patches of {side} win: the best adaptive arm, {name}, has "
                f"{_more(ratio)} more {self.error}."
            )
        else:
            outcome = "none"
            reason = (
                f"there is no difference beyond the spread of seeds: {name} has {_times(ratio)} "
                f"the {self.error} of the best uniform patch ({side})."
            )
        return self._verdict(outcome, reason, adaptive, uniform)

    def at_equal_steps(self) -> EqualCostVerdict:
        fine = self.fine
        close = [
            each for each in self.sides if each.time < fine.time and each.distance(fine) <= CLOSE
        ]
        # Of arms that take as long, the uniform one.
        winner = min(close, key=lambda each: (each.time, not each.arm.is_uniform), default=None)
        adaptive = min(
            (each for each in close if not each.arm.is_uniform),
            key=lambda each: each.time,
            default=None,
        )
        about = adaptive or min(self.adaptive, key=lambda each: each.distance(fine))
        uniform = winner if adaptive and winner and winner.arm.is_uniform else fine
        if reason := self._hindrance(fine, about, uniform):
            return self._nothing(reason)
        outcome, reason = self._reached(adaptive and winner, about)
        return self._verdict(outcome, reason, about, uniform)

    def _reached(self, winner: _Side | None, adaptive: _Side) -> tuple[Outcome, str]:
        """Say what the error of the finest uniform patch costs.

        Args:
            winner: the cheapest arm that is close to it on validation data; None where no
                adaptive one is.
            adaptive: the cheapest adaptive one that is, or else the nearest.
        """
        against = f"uniform patches of {self.fine.arm.patch[-1]}"
        if winner is None:
            return "uniform", (
                f"no adaptive arm comes within 3 % of {against} on validation data at less time a "
                f"step; the nearest, {adaptive.arm.label}, has {self._share(adaptive)}."
            )
        if self._ratio(winner).median > CLOSE:
            return "none", (
                f"{winner.arm.label} comes within 3 % of {against} on validation data, but not on "
                f"test data: it has {self._share(winner)}."
            )
        if winner.arm.is_uniform:
            times = _times(self._ratio(adaptive))
            return "uniform", (
                f"uniform patches of {winner.arm.patch[-1]} win: they have {self._share(winner)}; "
                f"{adaptive.arm.label} has {times} at {adaptive.share(self.fine)}."
            )
        return "adaptive", f"{winner.arm.label} has {self._share(winner)}."

    def _ratio(self, side: _Side) -> Interval:
        """Error over that of the finest uniform patch."""
        return ratio_of(side.has(self.metric), self.fine.has(self.metric))

    def _share(self, side: _Side) -> str:
        return (
            f"{_times(self._ratio(side))} the {self.error} of uniform patches of "
            f"{self.fine.arm.patch[-1]} at {side.share(self.fine)}"
        )

    def _hindrance(self, *named: _Side) -> str:
        """Why nothing can be said about the arms named; empty where something can."""
        seeds = len(self.comparison.seeds)
        for each in named:
            if each.result.diverged:
                where = f"{each.arm.label}, in {each.result.diverged} of {seeds} seeds"
                return f"nothing can be said: training diverged with {where}."
            if not math.isfinite(max(each.has(self.metric).values)):
                return (
                    f"nothing can be said: the {self.error} of {each.arm.label} is ∞ with a seed."
                )
        best = min(each.has(self.metric).median for each in self.sides)
        if not best < self.comparison.persistence[self.metric]:
            return (
                f"nothing can be said: no arm has a smaller {self.error} than repeating the last "
                "known frame. Train longer."
            )
        if seeds < 2:
            return (
                f"nothing can be said: the spread of seeds is unknown, as only {seeds} is complete."
            )
        return ""

    def _nothing(self, reason: str) -> EqualCostVerdict:
        return EqualCostVerdict(outcome="uninformative", sentence=f"{self.where} {reason}")

    def _verdict(
        self, outcome: Outcome, reason: str, adaptive: _Side, uniform: _Side
    ) -> EqualCostVerdict:
        return EqualCostVerdict(
            outcome=outcome,
            sentence=f"{self.where} {reason}",
            adaptive=adaptive.arm.name,
            uniform=uniform.arm.name,
            ratio=ratio_of(adaptive.has(self.metric), uniform.has(self.metric)),
        )


def _best(sides: Sequence[_Side]) -> _Side:
    return min(sides, key=lambda each: each.result.validation.median)


def _times(ratio: Interval) -> str:
    return f"{ratio.median:.2f} times ({ratio.low:.2f}–{ratio.high:.2f})"


def _less(ratio: Interval) -> str:
    parts = [100 * (1 - value) for value in (ratio.median, ratio.high, ratio.low)]
    return "{:.0f} % ({:.0f}–{:.0f} %)".format(*parts)


def _more(ratio: Interval) -> str:
    parts = [100 * (value - 1) for value in (ratio.median, ratio.low, ratio.high)]
    return "{:.0f} % ({:.0f}–{:.0f} %)".format(*parts)
