"""Typical change of a store's fields from the end of a history to a target."""

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from matey_core.data.windows import Windows
from matey_core.rounding import ROUNDING

NUM_WINDOWS = 64
FLOOR = 1e-3
"""The smallest change, as a fraction of the field's spread over the windows."""

Frames = Float[np.ndarray, "k c points"]


def mean_change(windows: Windows, *, num_windows: int = NUM_WINDOWS) -> Float[Tensor, "k c"]:
    """Measure the root mean square error of persistence, for every lead and field.

    The result depends only on the windows, which one thread reads one by one and sums in float64.
    So all processes and a resumed run find the same to the last bit.

    Args:
        windows: of a store; those that are read are evenly spread over it, and have every lead.
        num_windows: largest number of windows to read.

    Returns:
        (longest lead, c) in physical units, lead 1 first. A field that does not change has a
        thousandth of its spread, or what rounding makes of a constant. A field that is 0 has 0,
        and so has one of which nothing is known.

    Raises:
        DataError: the store is damaged.
    """
    windows = windows.complete()
    leads = range(1, windows.longest + 1)
    number = min(num_windows, len(windows))
    change, spread = _Mean(), _Spread()
    for index in np.linspace(0, len(windows) - 1, number).round().astype(int).tolist():
        batch = windows.batch([index], [leads])
        assert batch.targets is not None
        targets = _frames(batch.targets)
        last = _frames(batch.history[:, -1:])
        known = (
            np.ones(targets.shape, bool)
            if batch.valid is None
            else batch.valid[0].flatten(2).numpy()
        )
        change.add((targets - last) ** 2, known)
        spread.add(targets, known)
    floor = np.maximum(FLOOR * spread.deviation, ROUNDING * spread.size)
    return torch.from_numpy(np.maximum(np.sqrt(change.mean), floor).astype(np.float32))


class _Mean:
    """The mean over windows of a mean over known points, for every lead and field."""

    def __init__(self) -> None:
        self._sum: np.ndarray | float = 0.0
        self._windows: np.ndarray | int = 0

    def add(self, values: Frames, known: Bool[np.ndarray, "k c points"]) -> None:
        """Add a window; it does not count for a field of which nothing is known."""
        points = known.sum(2)
        self._sum = self._sum + np.where(known, values, 0).sum(2) / np.maximum(points, 1)
        self._windows = self._windows + (points > 0)

    @property
    def mean(self) -> Float[np.ndarray, "k c"]:
        """0 where no window counts."""
        return np.asarray(self._sum / np.maximum(self._windows, 1))


class _Spread:
    """Size and spread of every field, summed about the first window's mean: no cancellation."""

    def __init__(self) -> None:
        self._origin: np.ndarray | None = None
        self._first, self._second = _Mean(), _Mean()

    def add(self, values: Frames, known: Bool[np.ndarray, "k c points"]) -> None:
        """Add a window."""
        if self._origin is None:
            points = np.maximum(known.sum((0, 2)), 1)
            self._origin = np.where(known, values, 0).sum((0, 2)) / points
        offset = values - self._origin[:, None]
        self._first.add(offset, known)
        self._second.add(offset**2, known)

    @property
    def deviation(self) -> Float[np.ndarray, " c"]:
        """Standard deviation."""
        first, second = self._first.mean.mean(0), self._second.mean.mean(0)
        return np.asarray(np.sqrt(np.maximum(second - first**2, 0)))

    @property
    def size(self) -> Float[np.ndarray, " c"]:
        """Root mean square."""
        mean = self._first.mean.mean(0) + (0 if self._origin is None else self._origin)
        return np.asarray(np.sqrt(mean**2 + self.deviation**2))


def _frames(values: Float[Tensor, "1 k c *space"]) -> Frames:
    return values[0].flatten(2).numpy().astype(np.float64)
