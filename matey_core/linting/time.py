"""Times that do not increase, or not evenly."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from matey_core.linting import CHECKS, Check, Finding, FindingPlace, Severity

UNEVEN = 0.05
"""Share of the mean step by which a step may differ; output written at the first solver step
past a round time alternates by a few percent."""
REMEDY = "Correct the times in the source, or cut it where they jump, and prepare again."


@dataclass
class _WorstJump:
    """The worst jump of one kind, and in how many samples it occurs."""

    size: float = 0.0
    sample: int = 0
    index: int = 0
    samples: int = 0

    def add(self, sample: int, sizes: np.ndarray) -> None:
        """Take in how bad each step of a sample is, 0 where it is not."""
        if not sizes.any():
            return
        self.samples += 1
        index = int(sizes.argmax())
        if sizes[index] > self.size:
            self.size, self.sample, self.index = float(sizes[index]), sample, index


@CHECKS.register("time")
class Time(Check):
    """Times increase, and in even steps, which is what lead times count."""

    reads = False

    def findings(self) -> Iterator[Finding]:
        """Compare the steps of the times, in each sample that has its own, with their mean."""
        store = self.store
        if store.is_static:
            return
        has_own = store.times(0) is not store.times()
        backward, uneven = _WorstJump(), _WorstJump()
        for sample in range(store.num_samples if has_own else 1):
            steps = np.diff(store.times(sample).astype(np.float64))
            mean = steps.mean()
            wrong = ~(steps > 0)
            backward.add(sample, np.where(wrong, 1 + np.nan_to_num(np.abs(steps)), 0))
            off = np.zeros_like(steps) if wrong.any() else np.abs(steps / mean - 1)
            uneven.add(sample, np.where(off > UNEVEN, off, 0))
        if backward.samples:
            yield self._finding("error", backward, "times that increase", has_own=has_own)
        if uneven.samples:
            expected = f"steps within {100 * UNEVEN:.0f} % of their mean"
            yield self._finding("warning", uneven, expected, has_own=has_own)
        yield from self._declared()

    def _finding(
        self, severity: Severity, problem: _WorstJump, expected: str, *, has_own: bool
    ) -> Finding:
        times = self.store.times(problem.sample)
        before, after = times[problem.index], times[problem.index + 1]
        steps = np.diff(times.astype(np.float64))
        place = self.at(problem.sample) if has_own else FindingPlace(sample="", split="")
        return Finding(
            severity=severity,
            field="time",
            **place,
            frame=problem.index + 1,
            count=problem.samples if has_own else self.store.num_samples,
            found=f"{before:g} is followed by {after:g}; the mean step is {steps.mean():g}",
            expected=expected,
            remedy=REMEDY,
        )

    def _declared(self) -> Iterator[Finding]:
        """The time step of the store is that of its times."""
        times, declared = self.store.times().astype(np.float64), self.store.spec.time_step
        mean = (times[-1] - times[0]) / (len(times) - 1)
        if not abs(mean - declared) <= UNEVEN * abs(mean):
            yield Finding(
                severity="warning",
                field="time",
                count=self.store.num_samples,
                found=f"a time step of {declared:g}, and times {mean:g} apart",
                expected="the same twice",
                remedy=REMEDY,
            )
