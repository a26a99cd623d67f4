"""Marks of missing values that no attribute tells, such as 1e20: they look like values."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Shaped

from matey_core.linting import CHECKS, Check, Finding, FrameBlock
from matey_core.store import Store

HUGE = 1e10
"""A repeated value of this size is a mark, if the others are far smaller."""
FAR = 1e3
"""So many times the largest other value is far from it."""
ENDS = (32767.0, 32768.0, 2147483648.0)
"""The ends of whole numbers."""
_NINES = re.compile(r"-?99+(\.9+)?")


@dataclass
class _Mark:
    """A value that stands in many places."""

    share: float
    """Of the points of the frame where it was found."""
    frame: int
    frames: int = 0
    samples: set[int] = field(default_factory=set)


@CHECKS.register("marks")
class Marks(Check):
    """No value far from all others stands in many places."""

    def start(self, store: Store) -> None:
        """Forget the last store."""
        super().start(store)
        self._marks: dict[tuple[str, float], _Mark] = {}
        self._frames: dict[str, int] = {}

    def see(self, block: FrameBlock) -> None:
        """Look at the first frame of a block, and at the first whose extremes look like a mark."""
        name, summary = block.field.name, block.summary
        self._frames[name] = self._frames.get(name, 0) + len(block.values)
        for extremes in (summary.low, summary.high):
            looks = [0, *np.flatnonzero([_is_odd(value) for value in extremes])[:1].tolist()]
            for index in dict.fromkeys(looks):
                value, frame = float(extremes[index]), block.values[index]
                share = _share(frame, value)
                if not share:
                    continue
                mark = self._marks.setdefault(
                    (name, value), _Mark(share=share, frame=block.start + index)
                )
                mark.frames += int((extremes == value).sum())
                mark.samples.add(block.sample)

    def findings(self) -> Iterator[Finding]:
        """Tell values that are marks, and others that stand in every frame."""
        for (name, value), mark in self._marks.items():
            frames = self._frames[name]
            if _is_odd(value) or mark.frames == frames > 1:
                yield Finding(
                    severity="warning",
                    field=name,
                    **self.at(min(mark.samples)),
                    frame=mark.frame,
                    count=len(mark.samples),
                    found=f"{value:g} in {100 * mark.share:.3g} % of the points, far from all "
                    "other values",
                    expected="missing values that are NaN, or solid cells",
                    remedy="If it marks missing values, name it in the file (NetCDF: "
                    "missing_value) or write NaN, and prepare again with --allow-missing.",
                )


def _is_odd(value: float) -> bool:
    """Whether a value is one that programs write for missing ones."""
    is_known = HUGE <= abs(value) < np.inf or abs(value) in ENDS
    return is_known or bool(_NINES.fullmatch(f"{value:.7g}"))


def _share(frame: Shaped[np.ndarray, "*space"], value: float) -> float:
    """Share of the points that hold a value far from all others; 0 where it is not."""
    is_here = frame == value
    count = int(is_here.sum())
    others = frame[~is_here & np.isfinite(frame)]
    if count < 2 or not others.size:
        return 0.0
    low, high = float(others.min()), float(others.max())
    largest = max(-low, high)
    gap = max(low - value, value - high)
    is_far = largest > 0 and abs(value) >= FAR * largest
    is_usual = _is_odd(value) and abs(value) < HUGE and gap > max(high - low, abs(value) / 2)
    return count / frame.size if is_far or is_usual else 0.0
