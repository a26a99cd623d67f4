"""A rollout in one line: errors at a few leads, and the training-free forecast to beat."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from statistics import fmean

from matey_core.inference import Score
from matey_core.runs.scores import BOUND, ratio_of
from matey_core.workflows.rollout.leads import LeadErrors

LEADS = (1, 5, 20)
"""Leads whose errors are shown, beside the last one."""
HALF = 0.5
"""VRMSE at which the error is half the field's spread in space."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RolloutSummary:
    """What a rollout over one store comes to."""

    nrmse: dict[int, float]
    """Lead → mean nRMSE over fields, at leads 1, 5, 20 and the last that is known."""
    known: int
    """Predicted frames whose truth is known."""
    forecast: str
    """The training-free forecast that is hardest to beat; empty without a score."""
    ratio: float
    """Geometric mean over leads and fields of the nRMSE relative to that forecast's."""
    good: int
    """Predicted frames before the mean VRMSE over fields first exceeds one half."""


def summary_of(rollout: Sequence[LeadErrors]) -> RolloutSummary:
    """Sum up the errors of a rollout.

    Args:
        rollout: errors by lead, from lead 1 on, as far as the truth is known.
    """
    last = len(rollout)
    leads = sorted({lead for lead in LEADS if lead < last} | ({last} if last else set()))
    good = takewhile(lambda errors: errors.mean["vrmse"].error <= HALF, rollout)
    forecast, ratio = _hardest(rollout)
    return RolloutSummary(
        nrmse={lead: rollout[lead - 1].mean["nrmse"].error for lead in leads},
        known=last,
        forecast=forecast,
        ratio=ratio,
        good=sum(1 for _ in good),
    )


def _hardest(rollout: Sequence[LeadErrors]) -> tuple[str, float]:
    """The forecast relative to which the errors are largest, and how large they are."""
    scores = [each["nrmse"] for errors in rollout for each in errors.fields.values()]
    scores = [score for score in scores if score.cases]
    if not scores:
        return "", math.nan
    ratios = {
        name: math.exp(fmean(math.log(_ratio(score, name)) for score in scores))
        for name in ("persistence", *scores[0].forecasts)
    }
    hardest = max(ratios, key=ratios.__getitem__)
    return hardest, ratios[hardest]


def _ratio(score: Score, name: str) -> float:
    """Bounded from below as well: a forecast that blows up makes no mean 0."""
    error = score.persistence if name == "persistence" else score.forecasts[name]
    return max(ratio_of(score.error, error, score.persistence), 1 / BOUND)
