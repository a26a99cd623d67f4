"""One plain sentence about a comparison, by rule."""

import math
from dataclasses import dataclass
from typing import Literal

from matey_core.workflows._study_equal_results import ArmResult, Comparison, Interval, ratio_of

CLOSE = 1.03
"""At equal steps, errors up to this multiple count as reached."""
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
    """Error of the adaptive arm over the uniform one's, seed by seed."""


def verdict_of(comparison: Comparison, metric: str) -> Verdict:
    """Judge a comparison.

    At equal seconds, the adaptive and the uniform arm that are best on validation data are
    compared on test data: one wins where it is better with every seed. At equal steps, the
    question is which arm is the cheapest that comes within 3 % of the finest uniform patch.

    Args:
        comparison: with at least one adaptive arm.
        metric: which error decides.
    """
    if reason := _hindrance(comparison, metric):
        return Verdict(outcome="uninformative", sentence=f"{_where(comparison)} {reason}")
    if comparison.equal == "seconds":
        return _at_equal_seconds(comparison, metric)
    return _at_equal_steps(comparison, metric)


def _hindrance(comparison: Comparison, metric: str) -> str:
    """Why nothing can be said; empty where something can."""
    best = min(each.errors[metric].median for each in comparison.arms)
    if not best < comparison.persistence[metric]:
        return (
            f"nothing can be said: no arm has a smaller {NAMES[metric]} than repeating the last "
            "known frame. Train longer."
        )
    if len(comparison.seeds) < 2:
        return (
            "nothing can be said: the spread of seeds is unknown, as only "
            f"{len(comparison.seeds)} is complete."
        )
    best_adaptive = _best([each for each in comparison.arms if not each.arm.is_uniform])
    for each in (comparison.fine, best_adaptive):
        if not math.isfinite(each.errors[metric].median):
            return f"nothing can be said: training diverged with {each.arm.label}."
    return ""


def _at_equal_seconds(comparison: Comparison, metric: str) -> Verdict:
    adaptive = _best([each for each in comparison.arms if not each.arm.is_uniform])
    uniform = _best([each for each in comparison.arms if each.arm.is_uniform])
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
    fine, where, error = comparison.fine, _where(comparison), NAMES[metric]
    against = f"uniform patches of {fine.arm.patch[-1]}"
    cheaper = [each for each in comparison.arms if _time(each) < _time(fine)]
    close = [each for each in cheaper if each.ratios[metric].median <= CLOSE]
    adaptive = min((each for each in close if not each.arm.is_uniform), key=_time, default=None)
    uniform = min((each for each in close if each.arm.is_uniform), key=_time, default=None)
    outcome: Outcome
    if adaptive is None:
        nearest = min(
            (each for each in comparison.arms if not each.arm.is_uniform),
            key=lambda each: each.ratios[metric].median,
        )
        outcome, about = "uniform", nearest
        reason = (
            f"no adaptive arm reaches the {error} of {against} within 3 % at less time a step; "
            f"the nearest, {nearest.arm.label}, has {_times(nearest.ratios[metric])} as much at "
            f"{_share(nearest, fine)}."
        )
    elif uniform is not None and _time(uniform) <= _time(adaptive):
        outcome, about = "uniform", adaptive
        reason = (
            f"uniform patches of {uniform.arm.patch[-1]} win: they have "
            f"{_times(uniform.ratios[metric])} the {error} of {against} at "
            f"{_share(uniform, fine)}; {adaptive.arm.label} has "
            f"{_times(adaptive.ratios[metric])} at {_share(adaptive, fine)}."
        )
    else:
        outcome, about = "adaptive", adaptive
        reason = (
            f"{adaptive.arm.label} has {_times(adaptive.ratios[metric])} the {error} of {against} "
            f"at {_share(adaptive, fine)}."
        )
    return Verdict(
        outcome=outcome,
        sentence=f"{where} {reason}",
        adaptive=about.arm.name,
        uniform=(uniform if outcome == "uniform" and uniform else fine).arm.name,
        ratio=about.ratios[metric],
    )


def _best(arms: list[ArmResult]) -> ArmResult:
    return min(arms, key=lambda each: each.validation.median)


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
