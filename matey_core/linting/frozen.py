"""Runs that stand still or end in zeros: a simulation that was cut short."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool

from matey_core.linting import CHECKS, Check, Finding, FrameBlock
from matey_core.store import Store


@dataclass
class _Kind:
    """One way to stand still, and who does."""

    found: str
    remedy: str
    samples: set[int] = field(default_factory=set)
    sample: int = 0
    frame: int = 0

    def add(self, sample: int, frame: int) -> None:
        """Note a sample and where it begins; the earliest frame is the one told."""
        if not self.samples or frame < self.frame:
            self.sample, self.frame = sample, frame
        self.samples.add(sample)


@CHECKS.register("frozen")
class Frozen(Check):
    """Every frame differs from the one before it, in at least one field."""

    def start(self, store: Store) -> None:
        """Forget the last store."""
        super().start(store)
        cut = "Cut the trajectories there, or leave these samples out."
        self._zeros = _Kind("all fields are zero from this frame to the end", cut)
        self._still = _Kind("no field changes from this frame to the end", cut)
        self._repeats = _Kind(
            "a frame equals the one before it", "See whether frames were doubled."
        )
        self._sample: int | None = None
        self._last: tuple[str, int, np.ndarray] | None = None

    def see(self, block: FrameBlock) -> None:
        """Compare each frame with the one before it, and with zero."""
        if block.is_static:
            return
        if block.sample != self._sample:
            self._close()
            self._sample = block.sample
            self._same = np.ones(self.store.num_frames, bool)
            self._zero = np.ones(self.store.num_frames, bool)
            self._seen = np.zeros(self.store.num_frames, bool)
            self._same[0] = False
        summary = block.summary
        frames = slice(block.start, block.start + len(block.values))
        empty = (summary.low == 0) & (summary.high == 0) & (summary.num_nan == 0)
        self._zero[frames] &= empty
        self._same[frames] &= self._repeated(block)
        self._seen[frames] = True
        self._last = (block.field.name, frames.stop, block.values[-1])

    def _repeated(self, block: FrameBlock) -> Bool[np.ndarray, "time"]:
        """Frames that equal their predecessor; compared in full where their summaries agree."""
        summary, values = block.summary, block.values
        same = np.zeros(len(values), bool)
        if self._last is not None and self._last[:2] == (block.field.name, block.start):
            same[0] = np.array_equal(values[0], self._last[2], equal_nan=True)
        alike = (np.diff(summary.mean) == 0) & (np.diff(summary.deviation) == 0)
        for index in np.flatnonzero(alike) + 1:
            same[index] = np.array_equal(values[index], values[index - 1], equal_nan=True)
        return same

    def _close(self) -> None:
        """Judge the sample that is complete."""
        if self._sample is None or self.store.is_static:
            return
        self._same &= self._seen
        zeros, still = _tail(self._zero & self._seen), _tail(self._same)
        frames = self.store.num_frames
        if 0 < zeros < frames:
            self._zeros.add(self._sample, frames - zeros)
        elif still:
            self._still.add(self._sample, frames - still)
        elif self._same.any():
            self._repeats.add(self._sample, int(self._same.argmax()))

    def findings(self) -> Iterator[Finding]:
        """Tell each way to stand still, with the earliest frame."""
        self._close()
        for kind in (self._zeros, self._still, self._repeats):
            if kind.samples:
                yield Finding(
                    severity="warning",
                    **self.at(kind.sample),
                    frame=kind.frame,
                    count=len(kind.samples),
                    found=kind.found,
                    expected="frames that differ",
                    remedy=kind.remedy,
                )


def _tail(flags: Bool[np.ndarray, "time"]) -> int:
    """How many flags at the end are true."""
    return int(len(flags) if flags.all() else flags[::-1].argmin())
