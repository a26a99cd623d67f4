"""One plain sentence about a comparison, by rule."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from matey_core.studies.equal_cost.results import ArmResult, Comparison, Interval, ratio_of

CLOSE = 1.03
"""At equal steps, errors up to this multiple of the finest uniform patch's count as reached."""
NAMES = {
    "nrmse": "one-step nRMSE",
    "vrmse": "one-step VRMSE",
    "rollout": "nRMSE of the rollout",
}

Outcome = Literal["adaptive", "uniform", "none", "uninformative"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Who wins, and what that rests on."""

    outcome: Outcome
    sentence: str
    adaptive: str = ""
    """Name of the adaptive arm that the sentence is about."""
    uniform: str = ""
    """Name of the uniform arm that it is compared with."""
    ratio: Interval | None = None
    """Error of the adaptive arm over that uniform one's, seed by seed."""


def verdict_of(comparison: Comparison, metric: str) -> Verdict:
    """Judge a comparison.

    At equal seconds, the adaptive and the uniform arm that are best on validation data are
    compared on test data: one wins where it is better with every seed, which n seeds of equally
    good arms are by chance in 2 · ½ⁿ of all cases. At equal steps, the question is which arm is
    the cheapest that comes within 3 % of the finest uniform patch on validation data; it wins
    where it does on test data, too.

    Args:
        comparison: with at least one adaptive arm.
        metric: which error decides.
    """
    if comparison.equal == "seconds":
        return _at_equal_seconds(comparison, metric)
    return _at_equal_steps(comparison, metric)


def chance(seeds: int) -> float:
    """How often one of two equally good arms is better with every seed."""
    return 2 * 0.5**seeds


def _hindrance(comparison: Comparison, metric: str, named: Sequence[ArmResult]) -> str:
    """Why nothing can be said about the arms named; empty where something can."""
    error, seeds = NAMES[metric], len(comparison.seeds)
    for each in named:
        if each.diverged:
            where = f"{each.arm.label}, in {each.diverged} of {seeds} seeds"
            return f"nothing can be said: training diverged with {where}."
        if not math.isfinite(each.errors[metric].high):
            return f"nothing can be said: the {error} of {each.arm.label} is ∞ with a seed."
    best = min(each.errors[metric].median for each in comparison.arms)
    if not best < comparison.persistence[metric]:
        return (
            f"nothing can be said: no arm has a smaller {error} than repeating the last known "
            "frame. Train longer."
        )
    if seeds < 2:
        return f"nothing can be said: the spread of seeds is unknown, as only {seeds} is complete."
    return ""


def _nothing(comparison: Comparison, reason: str) -> Verdict:
    return Verdict(outcome="uninformative", sentence=f"{_where(comparison)} {reason}")


def _at_equal_seconds(comparison: Comparison, metric: str) -> Verdict:
    adaptive = _best([each for each in comparison.arms if not each.arm.is_uniform])
    uniform = _best([each for each in comparison.arms if each.arm.is_uniform])
    if reason := _hindrance(comparison, metric, [adaptive, uniform]):
        return _nothing(comparison, reason)
    ratio = ratio_of(adaptive.errors[metric], uniform.errors[metric])
    name, where = adaptive.arm.label, _where(comparison)
    side, error = uniform.arm.patch[-1], NAMES[metric]
    outcome: Outcome
    if ratio.high < 1:
        outcome = "adaptive"
        sentence = (
            f"{where} {name} has {_less(ratio)} less {error} than the best uniform patch ({side})."
        )
    elif ratio.low > 1:
        outcome = "uniform"
        sentence = (
            f"{where} uniform patches of {side} win: the best adaptive arm, {name}, has "
            f"{_more(ratio)} more {error}."
        )
    else:
        outcome = "none"
        sentence = (
            f"{where} there is no difference beyond the spread of seeds: {name} has "
            f"{ratio.median:.2f} times ({ratio.low:.2f}–{ratio.high:.2f}) the {error} of the best "
            f"uniform patch ({side})."
        )
    return Verdict(
        outcome=outcome,
        sentence=sentence,
        adaptive=adaptive.arm.name,
        uniform=uniform.arm.name,
        ratio=ratio,
    )


def _at_equal_steps(comparison: Comparison, metric: str) -> Verdict:
    fine = comparison.fine
    cheaper = [each for each in comparison.arms if _time(each) < _time(fine)]
    close = [each for each in cheaper if _distance(each, fine) <= CLOSE]
    # Of arms that take as long, the uniform one.
    winner = min(close, key=lambda each: (_time(each), not each.arm.is_uniform), default=None)
    adaptive = min((each for each in close if not each.arm.is_uniform), key=_time, default=None)
    nearest = min(
        (each for each in comparison.arms if not each.arm.is_uniform),
        key=lambda each: _distance(each, fine),
    )
    about = adaptive or nearest
    uniform = winner if adaptive and winner and winner.arm.is_uniform else fine
    if reason := _hindrance(comparison, metric, [fine, about, uniform]):
        return _nothing(comparison, reason)
    outcome, reason = _reached(adaptive and winner, about, fine, metric)
    return Verdict(
        outcome=outcome,
        sentence=f"{_where(comparison)} {reason}",
        adaptive=about.arm.name,
        uniform=uniform.arm.name,
        ratio=ratio_of(about.errors[metric], uniform.errors[metric]),
    )


def _reached(
    winner: ArmResult | None, adaptive: ArmResult, fine: ArmResult, metric: str
) -> tuple[Outcome, str]:
    """Say what the error of the finest uniform patch costs.

    Args:
        winner: the cheapest arm that is close to it on validation data; None where no adaptive
            one is.
        adaptive: the cheapest adaptive one that is, or else the nearest.
        fine: the finest uniform patch.
        metric: which error on test data decides.
    """
    error, against = NAMES[metric], f"uniform patches of {fine.arm.patch[-1]}"

    def has(each: ArmResult) -> str:
        return f"{_times(each.ratios[metric])} the {error} of {against} at {_share(each, fine)}"

    if winner is None:
        return "uniform", (
            f"no adaptive arm comes within 3 % of {against} on validation data at less time a "
            f"step; the nearest, {adaptive.arm.label}, has {has(adaptive)}."
        )
    if winner.ratios[metric].median > CLOSE:
        return "none", (
            f"{winner.arm.label} comes within 3 % of {against} on validation data, but not on "
            f"test data: it has {has(winner)}."
        )
    if winner.arm.is_uniform:
        times = _times(adaptive.ratios[metric])
        return "uniform", (
            f"uniform patches of {winner.arm.patch[-1]} win: they have {has(winner)}; "
            f"{adaptive.arm.label} has {times} at {_share(adaptive, fine)}."
        )
    return "adaptive", f"{winner.arm.label} has {has(winner)}."


def _best(arms: list[ArmResult]) -> ArmResult:
    return min(arms, key=lambda each: each.validation.median)


def _distance(each: ArmResult, fine: ArmResult) -> float:
    """Error on validation data, of one step, over that of the finest uniform patch."""
    return ratio_of(each.validation, fine.validation).median


def _time(each: ArmResult) -> float:
    return each.cost.step_seconds


def _where(comparison: Comparison) -> str:
    if comparison.equal == "seconds":
        return f"On {comparison.store} at equal seconds ({comparison.amount:g})"
    return f"On {comparison.store} at equal steps ({comparison.amount:g})"


def _times(ratio: Interval) -> str:
    return f"{ratio.median:.2f} times ({ratio.low:.2f}–{ratio.high:.2f})"


def _less(ratio: Interval) -> str:
    parts = [100 * (1 - value) for value in (ratio.median, ratio.high, ratio.low)]
    return "{:.0f} % ({:.0f}–{:.0f} %)".format(*parts)


def _more(ratio: Interval) -> str:
    parts = [100 * (value - 1) for value in (ratio.median, ratio.low, ratio.high)]
    return "{:.0f} % ({:.0f}–{:.0f} %)".format(*parts)


def _share(each: ArmResult, fine: ArmResult) -> str:
    parts = [
        100 * each.cost.step_seconds / fine.cost.step_seconds,
        100 * each.cost.tokens / fine.cost.tokens,
        100 * each.cost.flops / fine.cost.flops,
    ]
    return "{:.0f} % of its time a step ({:.0f} % of its tokens, {:.0f} % of its FLOPs)".format(
        *parts
    )
