"""Stored statistics that are not those of the values: something changed after prepare."""

from collections import Counter
from collections.abc import Iterator

import numpy as np

from matey_core.conversion.moments import Moments
from matey_core.linting import CHECKS, Check, Finding, FrameBlock, Summary
from matey_core.store import Store

ROUNDING = 1e-6
"""Smallest relative difference told; float64 sums in another order differ by far less."""


@CHECKS.register("statistics")
class StatisticsCheck(Check):
    """Minimum, maximum, mean and spread of the training trajectories are the stored ones."""

    def start(self, store: Store) -> None:
        """Forget the last store."""
        super().start(store)
        self._training = set(store.samples("train"))
        self._frames: Counter[str] = Counter()
        self._totals: dict[str, Moments] = {}
        self._precision = ROUNDING

    def see(self, block: FrameBlock) -> None:
        """Add a training sample's frames to the total of their field."""
        if block.sample not in self._training:
            return
        name, summary = block.field.name, block.summary
        self._precision = max(self._precision, block.precision)
        self._totals.setdefault(name, Moments()).merge(_total(summary))
        self._frames[name] += len(block.values)

    def findings(self) -> Iterator[Finding]:
        """Tell fields whose statistics differ, if all training trajectories were seen."""
        for name, total in self._totals.items():
            of_sample = self.store.num_frames if name in self.store.spec.names else 1
            if self._frames[name] < of_sample * len(self._training) or not total.count:
                continue
            stored, found = self.store.statistics[name], total.summary()
            scale = max(abs(found["min"]), abs(found["max"]))
            differing = [
                key for key in found if not abs(stored[key] - found[key]) <= self._precision * scale
            ]
            if differing:
                key, *rest = differing
                yield Finding(
                    severity="error",
                    field=name,
                    split="train",
                    count=len(self._training),
                    found=f"{key} is {found[key]:.8g}"
                    + (f"; {', '.join(rest)} not as stored either" if rest else ""),
                    expected=f"{stored[key]:.8g}, as stored by prepare",
                    remedy="Values changed after they were written: prepare the store again with "
                    "--overwrite, and check the disk.",
                )


def _total(summary: Summary) -> Moments:
    """Moments of all frames together."""
    count = int(summary.count.sum())
    mean = float(summary.count @ summary.mean) / max(count, 1)
    between = float(summary.count @ np.square(summary.mean - mean))
    return Moments(
        count=count,
        low=float(summary.low.min()),
        high=float(summary.high.max()),
        mean=mean,
        deviation=float(summary.deviation.sum()) + between,
    )
