"""Where windows start: as often as the fields change there.

A flow that starts from rest, or a reaction from noise, changes most in its first frames. Drawn
uniformly, few windows show them, and a rollout has to pass through them. So half of the draws
follow how much the fields change over the next step, relative to what they are then. Where
fields change at a constant pace, nothing is different.
"""

import numpy as np
from jaxtyping import Float, Int64, UInt64
from torch import Tensor

from matey_core.data.windows import Windows

NUM_STARTS, NUM_SAMPLES = 32, 4
"""How many starts are looked at, and in how many trajectories."""
UNIFORM = 0.5
"""Share of the draws that does not follow the change."""
WHOLE = 2.0**64


class Starts:
    """Turns windows that are drawn uniformly into those that follow the change."""

    def __init__(self, windows: Windows) -> None:
        """Measure the change.

        The result depends only on the windows, so all processes and a resumed run find the same.

        Args:
            windows: of a store; up to 32 starts in 4 trajectories are read.

        Raises:
            DataError: the store is damaged.
        """
        change = relative_change(windows)
        number = len(change)
        total = change.sum()
        shares = change / total if total > 0 else np.full(number, 1 / number)
        self.shares: Float[np.ndarray, " starts"] = UNIFORM / number + (1 - UNIFORM) * shares
        """Of each start, which sum to 1."""
        self._until = np.cumsum(self.shares)

    def moved(
        self, indices: Int64[np.ndarray, " b"], noise: UInt64[np.ndarray, " b"]
    ) -> Int64[np.ndarray, " b"]:
        """Give each window another start in its trajectory.

        Of windows that are each drawn once, a start gets about its share.

        Args:
            indices: (b,) windows, drawn uniformly.
            noise: (b,) 64 random bits each.
        """
        number = len(self.shares)
        samples, starts = np.divmod(indices, number)
        share = (starts + noise / WHOLE) / number
        found = np.searchsorted(self._until, share, side="right")
        return samples * number + np.minimum(found, number - 1)


def relative_change(windows: Windows) -> Float[np.ndarray, " starts"]:
    """Measure by how much fields change over a step, over their spread behind it, for each start.

    It is a mean over fields and trajectories, and at most 1: then all is new. Between starts that
    are read it is interpolated.
    """
    pairs = Windows(
        windows.store,
        windows.samples,
        history=1,
        max_lead=1,
        step=windows.step,
    )
    ends = np.arange(windows.per_sample) * windows.stride + (windows.history - 1) * windows.step
    some = _spread_over(windows.per_sample, NUM_STARTS)
    means = [
        np.mean(
            [
                _change_of(pairs, sample * pairs.per_sample + int(ends[start]))
                for sample in _spread_over(len(windows.samples), NUM_SAMPLES)
            ]
        )
        for start in some
    ]
    return np.interp(np.arange(windows.per_sample), some, means)


def _change_of(pairs: Windows, index: int) -> float:
    batch = pairs.batch([index], [[1]])
    assert batch.targets is not None
    valid = np.ones(batch.targets.shape, bool) if batch.valid is None else batch.valid.numpy()
    before, after, known = (
        _points(batch.history),
        _points(batch.targets),
        valid[0, 0].reshape(valid.shape[2], -1),
    )
    number = np.maximum(known.sum(1), 1)

    def mean(values: Float[np.ndarray, "c points"]) -> Float[np.ndarray, " c"]:
        return np.where(known, values, 0).sum(1) / number

    change = np.sqrt(mean((after - before) ** 2))
    spread = np.sqrt(mean((after - mean(after)[:, None]) ** 2))
    whole = np.maximum(change, spread)
    return float(np.mean(np.divide(change, whole, out=np.zeros_like(change), where=whole > 0)))


def _points(values: Float[Tensor, "1 1 c *space"]) -> Float[np.ndarray, "c points"]:
    return values[0, 0].flatten(1).numpy().astype(np.float64)


def _spread_over(number: int, most: int) -> list[int]:
    """Up to `most` numbers from 0 to `number` − 1, evenly spread."""
    return np.linspace(0, number - 1, min(most, number)).round().astype(int).tolist()
