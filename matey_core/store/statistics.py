"""Smallest, largest, mean and spread of each field, gathered while data streams by."""

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Shaped


@dataclass(slots=True)
class Moments:
    """Count, extremes, mean and sum of squared deviations of values seen so far."""

    count: int = 0
    low: float = np.inf
    high: float = -np.inf
    mean: float = 0.0
    deviation: float = 0.0

    def add(self, values: np.ndarray) -> None:
        """Take in an array of any shape, in float64."""
        mean = float(values.mean(dtype=np.float64))
        self.merge(
            Moments(
                count=values.size,
                low=float(values.min()),
                high=float(values.max()),
                mean=mean,
                deviation=float(np.square(values - mean, dtype=np.float64).sum()),
            )
        )

    def merge(self, other: "Moments") -> None:
        """Take in what another has seen (Chan, Golub & LeVeque 1979)."""
        if not other.count:
            return
        count = self.count + other.count
        gap = other.mean - self.mean
        self.deviation += other.deviation + gap**2 * self.count * other.count / count
        self.mean += gap * other.count / count
        self.low, self.high = min(self.low, other.low), max(self.high, other.high)
        self.count = count

    def summary(self) -> dict[str, float]:
        """Extremes, mean and standard deviation as plain numbers."""
        spread = float(np.sqrt(self.deviation / max(self.count, 1)))
        return {"min": self.low, "max": self.high, "mean": self.mean, "std": spread}


@dataclass(slots=True)
class Statistics:
    """Moments per sample and field, so that those of a split can be told at the end."""

    names: tuple[str, ...]
    moments: dict[tuple[int, str], Moments] = field(default_factory=dict)

    def add(self, sample: int, name: str, values: Shaped[np.ndarray, "..."]) -> None:
        """Take in values of a field of a sample."""
        self.moments.setdefault((sample, name), Moments()).add(values)

    def summary(self, samples: list[int]) -> dict[str, dict[str, float]]:
        """Extremes, mean and standard deviation of each field over some samples."""
        totals = {name: Moments() for name in self.names}
        for name, total in totals.items():
            for sample in samples:
                total.merge(self.moments[sample, name])
        return {name: total.summary() for name, total in totals.items()}
