"""Windows of trajectories: a history and the states that follow it."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from matey_core.batches import FieldBatch, Window
from matey_core.errors import ConfigError, DataError
from matey_core.store import Store


class Windows:
    """All windows of some trajectories of a store.

    A window never leaves its trajectory. Its start is such that every lead up to
    `max_lead` has a target, so the index of a window does not depend on its leads.
    """

    def __init__(
        self,
        store: Store,
        samples: Sequence[int],
        *,
        history: int,
        max_lead: int,
        stride: int = 1,
    ) -> None:
        """Index the windows.

        Args:
            store: where the trajectories are.
            samples: which of them to use.
            history: frames of a history.
            max_lead: largest number of frames from the history's last to a target;
                lowered to what the trajectories are long enough for.
            stride: frames from the start of one window to the next.

        Raises:
            ConfigError: a number below one.
            DataError: the trajectories are too short for even one window.
        """
        if min(history, max_lead, stride) < 1:
            raise ConfigError(
                f"history {history}, max_lead {max_lead} and stride {stride} must be at least 1."
            )
        if store.num_frames < history + 1:
            raise DataError(
                f"{store.name} has {store.num_frames} frames a trajectory; a history of "
                f"{history} and a target need {history + 1}.",
                remedy=f"Set the history to {store.num_frames - 1} frames or fewer."
                if not store.is_static
                else "Leave this store out: it has no time axis to learn from.",
            )
        self.store = store
        self.samples = tuple(samples)
        self.history = history
        self.max_lead = min(max_lead, store.num_frames - history)
        self.stride = stride
        self.per_sample = (store.num_frames - history - self.max_lead) // stride + 1

    def __len__(self) -> int:
        return len(self.samples) * self.per_sample

    def place(self, index: int) -> tuple[int, int]:
        """Sample and first frame of a window."""
        if not 0 <= index < len(self):
            raise IndexError(f"window {index} of {len(self)}")
        position, number = divmod(index, self.per_sample)
        return self.samples[position], number * self.stride

    def window(self, index: int, lead_steps: Sequence[int]) -> Window:
        """Read a window.

        Args:
            index: which one, from 0 to `len(self) - 1`.
            lead_steps: frames from the history's last to each target, 1 to `max_lead`.

        Raises:
            ConfigError: a lead is out of range.
        """
        if not lead_steps or not 1 <= min(lead_steps) <= max(lead_steps) <= self.max_lead:
            raise ConfigError(
                f"{self.store.name}: lead times {list(lead_steps)} are not all within "
                f"1 to {self.max_lead} frames."
            )
        sample, start = self.place(index)
        stop = start + self.history
        history = self.store.read(sample, start, stop)
        targets = [self.store.read(sample, stop - 1 + k, stop + k) for k in lead_steps]
        return Window(
            history=torch.from_numpy(history),
            targets=torch.from_numpy(np.concatenate(targets)),
            lead_steps=torch.tensor(lead_steps, dtype=torch.long),
        )

    def batch(self, indices: Sequence[int], lead_steps: Sequence[Sequence[int]]) -> FieldBatch:
        """Read windows and stack them.

        Args:
            indices: (b,) windows.
            lead_steps: (b, l) leads of each.
        """
        windows = [
            self.window(index, leads) for index, leads in zip(indices, lead_steps, strict=True)
        ]
        return FieldBatch(
            spec=self.store.spec,
            history=torch.stack([window.history for window in windows]),
            targets=torch.stack([window.targets for window in windows]),
            lead_steps=torch.stack([window.lead_steps for window in windows]),
        )


def sequential_batches(
    windows: Windows,
    *,
    batch_size: int,
    lead_steps: Sequence[int],
    num_batches: int | None = None,
) -> Iterator[FieldBatch]:
    """Go through windows in order, all with the same leads; the last batch may be smaller.

    Args:
        windows: what to go through.
        batch_size: windows of a batch.
        lead_steps: leads of every window.
        num_batches: take only as many batches, their windows evenly spread over all.
    """
    chosen = np.arange(len(windows))
    if num_batches is not None and num_batches * batch_size < len(windows):
        count = num_batches * batch_size
        chosen = np.linspace(0, len(windows) - 1, count).round().astype(int)
    for start in range(0, len(chosen), batch_size):
        indices = chosen[start : start + batch_size].tolist()
        yield windows.batch(indices, [list(lead_steps)] * len(indices))
