"""What most checks need to know of every frame, computed once for all of them."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, Shaped

PIECE = 2**15
"""Values taken at a time: their float64 copy stays in a core's cache."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Per frame, over the finite values: extremes, mean and spread; and what is not finite."""

    low: Float[np.ndarray, "time"]
    """Infinity where a frame has no finite value; `high` is −infinity then."""
    high: Float[np.ndarray, "time"]
    mean: Float[np.ndarray, "time"]
    deviation: Float[np.ndarray, "time"]
    """Sum of squared differences from the mean."""
    count: Int[np.ndarray, "time"]
    """Finite values."""
    num_nan: Int[np.ndarray, "time"]
    num_inf: Int[np.ndarray, "time"]


NAMES = tuple(Summary.__dataclass_fields__)


def summarize(values: Shaped[np.ndarray, "time *space"]) -> Summary:
    """Summarize frames, in float64 whatever their precision."""
    rows = values.reshape(len(values), -1)
    frames, cells = rows.shape
    width = min(cells, PIECE)
    height = max(1, PIECE // width)
    parts = []
    for top in range(0, frames, height):
        band = rows[top : top + height]
        total = _piece(band[:, :width])
        for left in range(width, cells, width):
            total = _merged(total, _piece(band[:, left : left + width]))
        parts.append(total)
    if len(parts) == 1:
        return parts[0]
    return Summary(
        **{name: np.concatenate([getattr(part, name) for part in parts]) for name in NAMES}
    )


def _merged(one: Summary, other: Summary) -> Summary:
    """Join two parts of the same frames (Chan, Golub & LeVeque 1979)."""
    count = one.count + other.count
    share = other.count / np.maximum(count, 1)
    gap = other.mean - one.mean
    return Summary(
        low=np.minimum(one.low, other.low),
        high=np.maximum(one.high, other.high),
        mean=one.mean + gap * share,
        deviation=one.deviation + other.deviation + gap * gap * one.count * share,
        count=count,
        num_nan=one.num_nan + other.num_nan,
        num_inf=one.num_inf + other.num_inf,
    )


def _piece(rows: Shaped[np.ndarray, "time n"]) -> Summary:
    frames, cells = rows.shape
    with np.errstate(invalid="ignore"):
        low, high = rows.min(1).astype(np.float64), rows.max(1).astype(np.float64)
    wide = rows.astype(np.float64)
    num_nan, num_inf = np.zeros(frames, np.int64), np.zeros(frames, np.int64)
    count = np.full(frames, cells)
    if not (np.isfinite(low) & np.isfinite(high)).all():
        finite = np.isfinite(wide)
        num_nan = np.isnan(wide).sum(1)
        count = finite.sum(1)
        num_inf = cells - count - num_nan
        low = np.where(finite, wide, np.inf).min(1)
        high = np.where(finite, wide, -np.inf).max(1)
        mean = np.where(finite, wide, 0.0).sum(1) / np.maximum(count, 1)
        wide = np.where(finite, wide, mean[:, None])
    else:
        mean = wide.sum(1) / cells
    wide -= mean[:, None]
    return Summary(
        low=low,
        high=high,
        mean=mean,
        deviation=np.einsum("tn,tn->t", wide, wide),
        count=count,
        num_nan=num_nan,
        num_inf=num_inf,
    )
