"""Results of a validation: errors beside those of the best forecast, and one score."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import Any

from pydantic import TypeAdapter

FLOOR = 1e-3
"""Share of persistence's error that is added to both errors of a ratio."""
STILL = 1e-6
"""nRMSE of persistence below which a field stands still, as far as float32 can tell."""
BOUND = 1e6
"""Largest ratio; a prediction that is not finite has it as well."""


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
    """Whether the model reached the lead by single steps, each from its previous prediction."""
    forecast: str = "persistence"
    """Names of the training-free forecasts that are best for at least one field."""
    forecast_error: float = math.nan
    """Mean over fields of the error of each field's best forecast."""
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
    """Step of the best validation so far, this one included; 0 where none was finite."""
    best_score: float
    """∞ where none was finite."""
    by_store: dict[str, float] = field(default_factory=dict)
    """Store → score of its own."""


OnValidation = Callable[[Validation], None]


def ignore_validation(validation: Validation) -> None:
    """Default callback: does nothing."""


def ratio_of(error: float, best: float, persistence: float) -> float:
    """Compute (error + φ) / (best + φ), the error relative to the best forecast's.

    The floor φ is 10⁻³ of persistence's error. It bounds the ratio to a forecast without any
    error, and keeps errors near zero from ruling a mean of logarithms. A field stands still if
    persistence's nRMSE is below 10⁻⁶; its φ is 10⁻³, a thousandth of the field. The ratio is at
    most 10⁶, and an error that is not finite has this ratio.
    """
    floor = FLOOR * (persistence if persistence >= STILL else 1.0)
    return min((error + floor) / (best + floor), BOUND) if math.isfinite(error) else BOUND


def score_by_store(scores: Sequence[StoreScore]) -> dict[str, float]:
    """Geometric mean over leads of each store's ratios; a store without any is left out."""
    ratios: dict[str, list[float]] = {}
    for score in scores:
        if not math.isnan(score.ratio):
            ratios.setdefault(score.store, []).append(score.ratio)
    return {store: geometric_mean(values) for store, values in ratios.items()}


def overall(scores: Sequence[StoreScore]) -> float:
    """Geometric mean over stores, leads and fields of the ratios; ∞ for none.

    The mean is taken over fields, then over leads, of which the rollout is one, then over stores.
    So every store counts alike, however many fields it has.
    """
    by_store = score_by_store(scores)
    return geometric_mean(list(by_store.values())) if by_store else math.inf


def is_finite(scores: Sequence[StoreScore]) -> bool:
    """Whether all predictions were; without any, there is nothing against them."""
    return not any(math.isinf(score.error) for score in scores)


_STORE, _FIELD = TypeAdapter(StoreScore), TypeAdapter(FieldScore)


def read_score(values: Mapping[str, Any]) -> StoreScore:
    """Read a score from a journal, where ∞ is null.

    Journals of earlier versions have persistence as their only forecast.

    Raises:
        KeyError, TypeError, ValueError, AttributeError: it is damaged.
    """
    known = _finite_or_infinite(values)
    if not is_of_today(values):
        known["forecast_error"] = known["persistence"]
        known["ratio"] = ratio_of(known["error"], known["persistence"], known["persistence"])
    elif values["ratio"] is None:  # there was nothing to compare
        known.update(forecast_error=math.nan, ratio=math.nan)
    known["fields"] = tuple(map(_read_field, values.get("fields", ())))
    StoreScore(**known)  # Pydantic itself passes over names that it does not know.
    return _STORE.validate_python(known)


def _read_field(values: Mapping[str, Any]) -> FieldScore:
    known = _finite_or_infinite(values)
    FieldScore(**known)
    return _FIELD.validate_python(known)


def _finite_or_infinite(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: math.inf if value is None else value for key, value in values.items()}


def is_of_today(values: Mapping[str, Any]) -> bool:
    """Whether a journal's score compares with the best forecast, not just with persistence."""
    return "ratio" in values


def geometric_mean(values: Sequence[float]) -> float:
    """The mean of logarithms, as a number; ∞ if a value is, NaN of none.

    Args:
        values: above 0.
    """
    return math.exp(fmean(map(math.log, values))) if values else math.nan
