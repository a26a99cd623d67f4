"""Axes that are called periodic and jump at the wrap-around, or store both ends of the period."""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Shaped

from matey_core.linting import CHECKS, Check, Finding, FrameBlock
from matey_core.store import Store

MOST_SAMPLES = 64
MOST_FRAMES = 8
"""Of each of these samples, evenly spaced: a boundary shows everywhere, so a part tells."""
MOST_LINES = 24
"""Points of each other axis."""
FEWEST_POINTS = 8
LARGER = 3.0
"""How many times the largest jump inside the wrap-around jump must be."""
EQUAL = 1e-4
"""Wrap-around jumps of one point that is stored twice, in units of the mean jump: rounding."""
ACTIVE = 1e-2
"""Jumps beside the ends, in units of the mean jump, from which on a field is not at rest there."""
ONE_SIDED = 1e-3
"""Relative difference of these two jumps from which on a field is no mirror image of itself."""


@CHECKS.register("periodic")
class Periodic(Check):
    """Along a periodic axis, the last point is as near to the first as any two neighbors.

    Each sample's mean jump between neighbors, by position along the axis, is taken relative to
    the sample's mean. The median over samples is compared: a shock may sit at the wrap in some
    samples, but not in most, and then it counts no more than shocks inside.
    """

    def start(self, store: Store) -> None:
        """Choose samples, frames and axes."""
        super().start(store)
        self._samples = set(_spread(store.num_samples, MOST_SAMPLES))
        self._frames = _spread(store.num_frames, MOST_FRAMES)
        self._axes = [
            index
            for index, is_periodic in enumerate(store.spec.grid.periodic)
            if is_periodic and store.spec.grid.shape[index] >= FEWEST_POINTS
        ]
        self._jumps: dict[tuple[str, int], dict[int, Float[np.ndarray, "n"]]] = {}

    def see(self, block: FrameBlock) -> None:
        """Add the jumps of the chosen frames."""
        if not self._axes or block.is_static or block.sample not in self._samples:
            return
        for frame in self._frames:
            if 0 <= frame - block.start < len(block.values):
                for axis in self._axes:
                    jumps = _jumps(block.values[frame - block.start], axis)
                    of_samples = self._jumps.setdefault((block.field.name, axis), {})
                    of_samples[block.sample] = of_samples.get(block.sample, 0) + jumps

    def findings(self) -> Iterator[Finding]:
        """Tell each periodic axis that jumps, with the field that jumps most."""
        for axis in self._axes:
            ratios = {
                name: _ratio(list(of_samples.values()))
                for (name, other), of_samples in self._jumps.items()
                if other == axis
            }
            jumping = [name for name, ratio in ratios.items() if ratio > LARGER]
            if not jumping:
                yield from self._both_ends(axis)
                continue
            worst = max(jumping, key=lambda name: ratios[name])
            letter = self.store.spec.grid.axes[axis]
            yield Finding(
                severity="warning",
                field=worst,
                count=len(self._jumps[worst, axis]),
                found=f"along {letter}, the jump from the last point to the first is "
                f"{ratios[worst]:.3g} × the largest inside ({len(jumping)} of {len(ratios)} "
                "fields)",
                expected=f"≤ {LARGER:g} ×, as {letter} is called periodic",
                remedy=f"If it is not, prepare again with --boundary {letter}=unknown (or what it "
                "is): models pad and shift by this.",
            )

    def _both_ends(self, axis: int) -> Iterator[Finding]:
        """Tell an axis whose last point is its first again, in all samples and fields."""
        found = [jumps for (_, other), jumps in self._jumps.items() if other == axis]
        jumps = [each for of_samples in found for each in of_samples.values()]
        varying = [each / inside for each in jumps if (inside := each[:-1].mean()) > 0]
        if not any(map(_tells, varying)) or any(each[-1] > EQUAL for each in varying):
            return
        grid = self.store.spec.grid
        letter, points = grid.axes[axis], grid.shape[axis]
        yield Finding(
            severity="warning",
            count=max(map(len, found)),
            found=f"along {letter}, the last point is the first again, in all fields",
            expected=f"each point once, as {letter} is called periodic",
            remedy=f"Prepare again with --crop {letter}=0:{points - 1}: models wrap around from "
            "the last point to the first.",
        )


def _tells(jumps: Float[np.ndarray, "n"]) -> bool:
    """Whether equal ends tell of one point: not of rest there, nor of a mirror image."""
    first, last = jumps[0], jumps[-2]
    return bool(min(first, last) > ACTIVE and abs(first - last) > ONE_SIDED * max(first, last))


def _spread(count: int, most: int) -> list[int]:
    """At most `most` of `count` indices, evenly spaced, first and last among them."""
    return sorted(set(np.linspace(0, count - 1, min(count, most)).round().astype(int).tolist()))


def _jumps(frame: Shaped[np.ndarray, "*space"], axis: int) -> Float[np.ndarray, "n"]:
    """Mean jump from each point along an axis to the next, the last one to the first."""
    thin = tuple(
        slice(None) if other == axis else slice(None, None, -(-points // MOST_LINES))
        for other, points in enumerate(frame.shape)
    )
    lines = np.moveaxis(frame[thin], axis, 0).reshape(frame.shape[axis], -1).astype(np.float64)
    with np.errstate(invalid="ignore"):  # infinity less infinity
        steps = np.abs(np.diff(lines, axis=0, append=lines[:1]))
    known = np.isfinite(steps)
    return np.where(known, steps, 0).sum(1) / np.maximum(known.sum(1), 1)


def _ratio(jumps: list[Float[np.ndarray, "n"]]) -> float:
    """The wrap-around jump in units of the largest inside; 0 where there is none inside."""
    relative = [each / inside for each in jumps if (inside := each[:-1].mean()) > 0]
    if not relative:
        return 0.0
    typical = np.median(relative, axis=0)
    largest = float(typical[:-1].max())
    return float(typical[-1]) / largest if largest else 0.0
