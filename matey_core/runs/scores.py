"""What a validation finds: errors beside the best training-free forecast's, and one score."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from matey_core.inference import Score

FLOOR = 1e-3
"""Share of persistence's error that is added to both errors of a ratio."""
STILL = 1e-6
"""nRMSE of persistence below which a field stands still, as far as float32 can tell."""
BOUND = 1e6
"""Largest ratio, and that of a prediction that is not finite."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldScore:
    """Mean nRMSE of one field over the validation windows of a store, at one lead."""

    field: str
    error: float
    """∞ if a prediction was not finite."""
    forecast: str
    """Name of the training-free forecast with the smallest error on the same windows."""
    forecast_error: float
    ratio: float
    """Error as a multiple of the forecast's; see `ratio_of`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreScore:
    """Mean nRMSE over fields and validation windows of one store, at one lead."""

    store: str
    lead_steps: int
    error: float
    persistence: float
    is_rollout: bool = False
    """Whether the model got to the lead by single steps, each on what it predicted before."""
    forecast: str = "persistence"
    """Names of the best training-free forecasts, each of them best for a field at least."""
    forecast_error: float = math.nan
    """Mean of their errors over fields, with each field's own best forecast."""
    ratio: float = math.nan
    """Geometric mean over fields of the error relative to the best forecast's."""
    fields: tuple[FieldScore, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """One validation, as it is shown while training."""

    step: int
    """Steps taken before; 0 for the weights that a fine-tuning starts from."""
    steps: int
    """Steps of the whole training."""
    score: float
    worst_store: str
    """The store with the largest score of its own."""
    worst_score: float
    best_step: int
    """Step of the best validation so far, this one included."""
    best_score: float


OnValidation = Callable[[Validation], None]


def ignore_validation(validation: Validation) -> None:
    """Default callback: does nothing."""


def ratio_of(error: float, best: float, persistence: float) -> float:
    """Compute (error + φ) / (best + φ), the error relative to the best forecast's.

    The floor φ is 10⁻³ of persistence's error, so that a forecast without any error does not
    divide by zero, and errors near zero do not rule a mean of logarithms. Where persistence's
    nRMSE is below 10⁻⁶ the field stands still, and φ is 10⁻³, a thousandth of the field. The
    ratio is at most 10⁶, which is also that of an error that is not finite.
    """
    floor = FLOOR * (persistence if persistence >= STILL else 1.0)
    return min((error + floor) / (best + floor), BOUND) if math.isfinite(error) else BOUND


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


def score_by_store(scores: Sequence[StoreScore]) -> dict[str, float]:
    """Geometric mean over leads of each store's ratios; a store without any is left out."""
    ratios: dict[str, list[float]] = {}
    for score in scores:
        if not math.isnan(score.ratio):
            ratios.setdefault(score.store, []).append(score.ratio)
    return {store: geometric_mean(values) for store, values in ratios.items()}


def overall(scores: Sequence[StoreScore]) -> float:
    """Geometric mean over stores, leads and fields of the ratios; ∞ for none.

    It is taken over fields first, then over leads, the rollout's being one of them, then over
    stores: every store counts alike, however many fields it has.
    """
    by_store = score_by_store(scores)
    return geometric_mean(list(by_store.values())) if by_store else math.inf


def read_score(values: Mapping[str, Any]) -> StoreScore:
    """Read a score from a journal, where ∞ is null.

    Journals of earlier versions know of no forecast but persistence.
    """
    known = _finite_or_infinite(values)
    if not is_of_today(values):
        known["forecast_error"] = known["persistence"]
        known["ratio"] = ratio_of(known["error"], known["persistence"], known["persistence"])
    elif values["ratio"] is None:  # there was nothing to compare
        known.update(forecast_error=math.nan, ratio=math.nan)
    known["fields"] = tuple(
        FieldScore(**_finite_or_infinite(each)) for each in values.get("fields", ())
    )
    return StoreScore(**known)


def _finite_or_infinite(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: math.inf if value is None else value for key, value in values.items()}


def is_of_today(values: Mapping[str, Any]) -> bool:
    """Whether a journal's score compares with the best forecast, not just with persistence."""
    return "ratio" in values


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


def geometric_mean(values: Sequence[float]) -> float:
    """The mean of logarithms, as a number; ∞ if a value is, NaN of none.

    Args:
        values: above 0.
    """
    return math.exp(fmean(map(math.log, values))) if values else math.nan
