"""Smallest, largest, mean and spread of each field, gathered while data streams by."""

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

TILE = 2**16
"""Values looked at together: in float64 they stay in a core's cache."""
LARGEST_ROOT = math.sqrt(sys.float_info.max)
ROW = 2**13
"""Libraries share a dot product among threads if it is longer."""


@dataclass(slots=True)
class Moments:
    """Count, extremes, mean and sum of squared deviations of the values that are known."""

    count: int = 0
    low: float = math.inf
    high: float = -math.inf
    mean: float = 0.0
    deviation: float = 0.0
    missing: int = 0
    """Values that are NaN."""
    infinite: int = 0

    @np.errstate(over="ignore", invalid="ignore")
    def add(self, values: np.ndarray) -> None:
        """Take in an array of any shape, in float64; what is too large for it is infinite."""
        flat = values.reshape(-1)
        wide = np.empty(min(TILE, flat.size), np.float64)
        for start in range(0, flat.size, TILE):
            tile = flat[start : start + TILE]
            deviations = wide[: tile.size]
            np.copyto(deviations, tile)
            total = float(deviations.sum())
            if not math.isfinite(total):
                tile = self._known(tile)
                deviations = tile.astype(np.float64)
                total = float(deviations.sum())
            if tile.size:
                mean = total / tile.size
                deviations -= mean
                square = _sum_of_squares(deviations)
                low, high = float(tile.min()), float(tile.max())
                self.merge(Moments(tile.size, low, high, mean, square))

    def _known(self, tile: np.ndarray) -> np.ndarray:
        """Count what is no number and return the rest."""
        missing, infinite = np.isnan(tile), np.isinf(tile)
        self.missing += int(missing.sum())
        self.infinite += int(infinite.sum())
        return tile[~(missing | infinite)]

    def merge(self, other: "Moments") -> None:
        """Take in what another has seen (Chan, Golub & LeVeque 1979)."""
        self.missing += other.missing
        self.infinite += other.infinite
        if not other.count:
            return
        count = self.count + other.count
        gap = other.mean - self.mean
        self.deviation += other.deviation + _square(gap) * self.count * other.count / count
        self.mean += gap * other.count / count
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.count = count

    def summary(self) -> dict[str, float]:
        """Extremes, mean and standard deviation as plain numbers; NaN where nothing is known."""
        if not self.count:
            return dict.fromkeys(("min", "max", "mean", "std"), math.nan)
        spread = math.sqrt(self.deviation / self.count)
        return {"min": self.low, "max": self.high, "mean": self.mean, "std": spread}


def _square(value: float) -> float:
    """Infinite where the square is beyond float64, which a power of Python's takes for an error."""
    return value**2 if abs(value) < LARGEST_ROOT else math.inf


def _sum_of_squares(values: np.ndarray) -> float:
    """Dot product in rows so short that its rounding does not depend on the number of threads."""
    whole = values.size // ROW * ROW
    rows, rest = values[:whole].reshape(-1, ROW), values[whole:]
    return float(np.vecdot(rows, rows).sum() + np.square(rest).sum())


def merged(parts: Iterable[Moments]) -> Moments:
    """All parts as one, the same for the same parts in the same order."""
    total = Moments()
    for part in parts:
        total.merge(part)
    return total
