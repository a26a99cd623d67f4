"""Drift of quantities that the dataset declares conserved."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from matey_core.linting import CHECKS, Check, Finding, FrameBlock
from matey_core.store import Store

WARNING = 1e-4
"""Drift, in units of the field's root mean square. A conservative scheme in float32 drifts by
rounding, some 1e-7; from 1e-4 on a model learns the drift as if it were physics."""
ERROR = 1e-2
"""As large as the error of a good model: what is called conserved is not."""


@dataclass
class _Course:
    """Mean and mean square over space of one field of one sample, in time."""

    sample: int
    means: list[float] = field(default_factory=list)
    squares: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    frames: list[int] = field(default_factory=list)

    def add(self, block: FrameBlock) -> None:
        """Append a block's frames."""
        summary = block.summary
        variance = summary.deviation / np.maximum(summary.count, 1)
        self.means.extend(summary.mean.tolist())
        self.squares.extend((summary.mean**2 + variance).tolist())
        self.counts.extend(summary.count.tolist())
        self.frames.extend(range(block.start, block.start + len(block.values)))

    def drift(self) -> tuple[float, int]:
        """Largest change of the mean relative to the field's largest size, and its frame.

        Frames that know other cells than the first one have a mean of something else.
        """
        comparable = np.array(self.counts) == self.counts[0]
        change = np.where(comparable, np.abs(np.array(self.means) - self.means[0]), 0)
        scale = float(np.sqrt(max(self.squares)))
        index = int(change.argmax())
        return (float(change[index]) / scale if scale else 0.0), self.frames[index]


@CHECKS.register("conserved")
class Conserved(Check):
    """The mean over space of a conserved field stays what it was in the first frame."""

    def start(self, store: Store) -> None:
        """Forget the last store."""
        super().start(store)
        self._drifts: dict[str, list[tuple[float, int, int]]] = {}
        self._course: dict[str, _Course] = {}
        self._rounding: dict[str, float] = {}

    def see(self, block: FrameBlock) -> None:
        """Follow the mean of a declared field."""
        name = block.field.name
        if name not in self.store.conserved or block.is_static:
            return
        course = self._course.get(name)
        if name not in self._rounding:
            # Rounding to the stored type may shift the mean of a field by as much.
            self._rounding[name] = block.precision
        if course is None or course.sample != block.sample:
            self._close(name)
            course = self._course[name] = _Course(block.sample)
        course.add(block)

    def _close(self, name: str) -> None:
        if course := self._course.pop(name, None):
            drift, frame = course.drift()
            self._drifts.setdefault(name, []).append((drift, course.sample, frame))

    def findings(self) -> Iterator[Finding]:
        """Tell the fields that drift, with the sample that drifts most."""
        for name in tuple(self._course):
            self._close(name)
        for name, drifts in self._drifts.items():
            rounding = self._rounding[name]
            least = max(WARNING, rounding)
            drift, sample, frame = max(drifts)
            if drift <= least:
                continue
            yield Finding(
                severity="error" if drift > max(ERROR, rounding) else "warning",
                field=name,
                **self.at(sample),
                frame=frame,
                count=sum(other > least for other, _, _ in drifts),
                found=f"the mean drifts by {drift:.2g} of the field's size",
                expected=f"≤ {least:.0e}, as the field is declared conserved",
                remedy="Correct what is declared (--conserved), or see what the solver loses.",
            )
