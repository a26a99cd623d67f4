"""Scores of a validation, made of the errors of a model and of the forecasts."""

import math
from collections.abc import Mapping, Sequence
from statistics import fmean

from matey_core.inference import Score
from matey_core.runs.scores import FieldScore, StoreScore, geometric_mean, ratio_of


def store_score(
    store: str,
    lead: int,
    ours: Mapping[str, Score],
    forecasts: Mapping[str, Score],
    *,
    is_rollout: bool,
) -> StoreScore:
    """Compare a model with the best forecast of each field.

    Args:
        store: its name.
        lead: steps from the last known frame to the target.
        ours: field → nRMSE of the model.
        forecasts: field → nRMSE of the forecasts on the same windows.
        is_rollout: whether the model fed on its own predictions.
    """
    fields = [
        _field_score(name, score, forecasts[name]) for name, score in ours.items() if score.cases
    ]
    known = [ours[each.field] for each in fields]
    return StoreScore(
        store=store,
        lead_steps=lead,
        is_rollout=is_rollout,
        error=_mean([score.error for score in known]),
        persistence=_mean([score.persistence for score in known]),
        forecast=", ".join(dict.fromkeys(each.forecast for each in fields)),
        forecast_error=_mean([each.forecast_error for each in fields]),
        ratio=geometric_mean([each.ratio for each in fields]),
        fields=tuple(fields),
    )


def _field_score(field: str, ours: Score, forecasts: Score) -> FieldScore:
    name = forecasts.best_forecast
    best = {"persistence": forecasts.persistence, **forecasts.forecasts}[name]
    return FieldScore(
        field=field,
        error=ours.error,
        forecast=name,
        forecast_error=best,
        ratio=ratio_of(ours.error, best, forecasts.persistence),
    )


def _mean(values: Sequence[float]) -> float:
    return fmean(values) if values else math.nan
