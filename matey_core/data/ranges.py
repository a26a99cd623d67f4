"""How widely the fields of a store spread over space in its training trajectories."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from matey_core.data.windows import AHEAD_BYTES, Windows
from matey_core.rounding import ROUNDING
from matey_core.store import Store

NUM_WINDOWS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRange:
    """What the frames of one field showed, in physical units."""

    deviation: float
    """Largest standard deviation of a frame over space; at least what rounding makes of a
    constant."""
    lowest: float
    """Smallest mean of a frame over space."""
    highest: float
    """Largest mean of a frame over space."""
    growth: float
    """Largest departure of a frame from the last one of its trajectory's first history.

    It is the root mean square distance from that frame's mean, in units of its standard deviation:
    1 where spreads shrink and means stay, infinite from rest."""

    def joined(self, other: "FieldRange") -> "FieldRange":
        """The wider of both in every respect."""
        return FieldRange(
            deviation=max(self.deviation, other.deviation),
            lowest=min(self.lowest, other.lowest),
            highest=max(self.highest, other.highest),
            growth=max(self.growth, other.growth),
        )


Ranges = Mapping[str, Mapping[str, FieldRange]]
"""Dataset → field → what its training frames showed."""


def joined_ranges(*parts: Ranges) -> dict[str, dict[str, FieldRange]]:
    """Join what several stores showed; of one dataset name and field, the wider counts."""
    found: dict[str, dict[str, FieldRange]] = {}
    for part in parts:
        for dataset, fields in part.items():
            known = found.setdefault(dataset, {})
            for name, each in fields.items():
                known[name] = known[name].joined(each) if name in known else each
    return found


def measure_ranges(windows: Windows, *, num_windows: int = NUM_WINDOWS) -> dict[str, FieldRange]:
    """Measure how widely each field spreads, over whole trajectories.

    About as many frames are read as that many windows have, of as many trajectories as possible:
    the first history of each, and later frames, at times that differ from trajectory to
    trajectory.

    Args:
        windows: of a store; their trajectories are measured.
        num_windows: bounds the number of trajectories, and of frames.

    Returns:
        By field; fields of which nothing is known are left out.

    Raises:
        DataError: the store is damaged.
    """
    store, samples = windows.store, windows.samples
    number = min(num_windows, len(samples))
    later = -(-num_windows * windows.longest // number)
    found: dict[str, FieldRange] = {}
    chosen = np.linspace(0, len(samples) - 1, number).round().astype(int)
    for order, index in enumerate(chosen.tolist()):
        span = store.num_frames - windows.history
        places = (np.arange(later) + (order + 1) / number) * span / later
        frames = windows.history + np.unique(np.ceil(places).astype(int)) - 1
        first = _Moments(store.read(samples[index], 0, windows.history))
        parts = [first, *_moments(store, samples[index], frames.tolist())]
        found = joined_ranges({"": found}, {"": _ranges(store.spec.names, parts)})[""]
    return found


class _Moments:
    """Means and deviations of frames over the points that are known."""

    def __init__(self, frames: Float[np.ndarray, "time c *space"]) -> None:
        values = frames.reshape(*frames.shape[:2], -1).astype(np.float64)
        known = np.isfinite(values)
        points = known.sum(2)
        self.is_known = points > 0
        self.mean = np.where(known, values, 0).sum(2) / np.maximum(points, 1)
        offset = np.where(known, values - self.mean[..., None], 0)
        self.deviation = np.sqrt((offset**2).sum(2) / np.maximum(points, 1))


def _moments(store: Store, sample: int, frames: list[int]) -> Iterator[_Moments]:
    """Read single frames, some at a time."""
    shape = (1, len(store.spec.names), *store.spec.grid.shape)
    ahead = max(1, AHEAD_BYTES // (4 * int(np.prod(shape))))
    for first in range(0, len(frames), ahead):
        some = frames[first : first + ahead]
        store.announce([(sample, frame, frame + 1) for frame in some])
        for frame in some:
            values = np.empty(shape, np.float32)
            store.read_into(values, sample, frame, frame + 1)
            yield _Moments(values)


def _ranges(names: tuple[str, ...], parts: list[_Moments]) -> dict[str, FieldRange]:
    """What one trajectory showed; the first part is its first history."""
    mean = np.concatenate([part.mean for part in parts])
    deviation = np.concatenate([part.deviation for part in parts])
    is_known = np.concatenate([part.is_known for part in parts])
    start = len(parts[0].mean) - 1
    return {
        name: _range(mean[rows, channel], deviation[rows, channel], int(rows[:start].sum()))
        for channel, name in enumerate(names)
        if (rows := is_known[:, channel]).any()
    }


def _range(
    mean: Float[np.ndarray, " time"], deviation: Float[np.ndarray, " time"], start: int
) -> FieldRange:
    """What a field showed, of which `start` is the last frame of the first history."""
    noise = ROUNDING * float((np.abs(mean) + deviation).max())
    after = slice(min(start, len(mean) - 1), None)
    departure = float(np.hypot(deviation, mean - mean[after][0])[after].max())
    begin = float(deviation[after][0])
    grown = departure / begin if begin > noise else np.inf
    return FieldRange(
        deviation=max(float(deviation.max()), noise),
        lowest=float(mean.min()),
        highest=float(mean.max()),
        growth=grown if departure > noise else 1.0,
    )
