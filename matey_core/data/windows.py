"""Windows of trajectories: a history and the states that follow it."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float, Int

from matey_core.batches import FieldBatch, Window
from matey_core.data.given import given_of
from matey_core.data.missing import fill_missing
from matey_core.errors import ConfigError, DataError
from matey_core.store import Store

Run = tuple[int, int, int]
"""Sample, first frame, frame behind the last."""
Leads = Literal["all", "available"]
"""Whether a window must have a target at every lead, or at the first alone."""
AHEAD_BYTES = 64 * 2**20
"""Frames that are announced to the store before they are read."""


class Windows:
    """All windows of some trajectories of a store.

    A window never leaves its trajectory. By default its start is such that every lead up to
    `max_lead + extra_frames` has a target, so all windows have the same leads. With the leads
    that are available, it is enough that lead 1 and `extra_frames` behind it have targets.
    """

    def __init__(
        self,
        store: Store,
        samples: Sequence[int],
        *,
        history: int,
        max_lead: int,
        extra_frames: int = 0,
        stride: int = 1,
        step: int = 1,
        leads: Leads = "all",
    ) -> None:
        """Index the windows.

        Args:
            store: where the trajectories are.
            samples: which of them to use.
            history: frames of a history.
            max_lead: largest number of steps from the history's last frame to a target;
                lowered to what the trajectories are long enough for.
            extra_frames: steps beyond `max_lead` that have a target too, for objectives that
                call the model again on what it predicted.
            stride: stored frames from the start of one window to the next.
            step: stored frames from one frame of a window to the next; leads are counted
                in such steps, and the time step of `spec` is that many times as long.
            leads: whether windows near the end of a trajectory, which lack the larger leads, count.

        Raises:
            ConfigError: a number below one.
            DataError: the trajectories are too short for even one window.
        """
        if min(history, max_lead, stride, step) < 1:
            raise ConfigError(
                f"history {history}, max_lead {max_lead}, stride {stride} and step {step} "
                "must be at least 1."
            )
        num_steps = (store.num_frames - 1) // step
        if num_steps < history + extra_frames:
            more = f", {extra_frames} further frames" if extra_frames else ""
            raise DataError(
                f"{store.name} has {store.num_frames} frames a trajectory; a history of "
                f"{history}{more} and a target need {(history + extra_frames) * step + 1}.",
                remedy=f"Set the history to {num_steps - extra_frames} frames or fewer."
                if num_steps > extra_frames
                else "Leave this store out: it has no time axis to learn from."
                if store.is_static
                else f"Set the step to {store.num_frames - 1} frames or fewer.",
            )
        self.store = store
        self.spec = replace(store.spec, time_step=store.spec.time_step * step)
        self.samples = tuple(samples)
        self.history = history
        self.max_lead = min(max_lead, num_steps - history - extra_frames + 1)
        self.longest = self.max_lead + extra_frames
        """Largest lead that has a target: in every window, or in those that are long enough."""
        self.stride = stride
        self.step = step
        self.leads = leads
        fewest = 1 if leads == "available" else self.max_lead
        reach = (history - 1 + fewest + extra_frames) * step
        self.per_sample = (store.num_frames - 1 - reach) // stride + 1
        self._holed = [i for i, name in enumerate(store.spec.names) if store.missing[name]]

    def __len__(self) -> int:
        return len(self.samples) * self.per_sample

    def place(self, index: int) -> tuple[int, int]:
        """Sample and first frame of a window.

        Raises:
            IndexError: there is no such window.
        """
        if not 0 <= index < len(self):
            raise IndexError(f"window {index} of {len(self)}")
        position, number = divmod(index, self.per_sample)
        return self.samples[position], number * self.stride

    def max_leads(self, indices: Int[np.ndarray, " b"]) -> Int[np.ndarray, " b"]:
        """Largest lead that each window may draw, so that `extra_frames` behind it have targets."""
        starts = indices % self.per_sample * self.stride
        behind = (self.store.num_frames - 1 - starts) // self.step - self.history + 1
        return np.minimum(behind - (self.longest - self.max_lead), self.max_lead)

    def complete(self) -> "Windows":
        """Those of them that have a target at every lead."""
        if self.leads == "all":
            return self
        return Windows(
            self.store,
            self.samples,
            history=self.history,
            max_lead=self.max_lead,
            extra_frames=self.longest - self.max_lead,
            stride=self.stride,
            step=self.step,
        )

    def window(self, index: int, lead_steps: Sequence[int]) -> Window:
        """Read a window.

        Args:
            index: which one, from 0 to `len(self) - 1`.
            lead_steps: steps from the history's last frame to each target, 1 to `longest`.

        Raises:
            ConfigError: a lead is out of range.
        """
        batch = self.batch([index], [lead_steps])
        assert batch.targets is not None
        return Window(
            history=batch.history[0], targets=batch.targets[0], lead_steps=batch.lead_steps[0]
        )

    def batch(self, indices: Sequence[int], lead_steps: Sequence[Sequence[int]]) -> FieldBatch:
        """Read windows, each straight into its place in the batch.

        Args:
            indices: (b,) windows.
            lead_steps: (b, l) leads of each.

        Raises:
            ConfigError: a lead is out of range.
            DataError: the store is damaged.
        """
        leads = np.array(lead_steps, np.int64) if len(indices) else np.empty((0, 1), np.int64)
        self._check(np.array(indices, np.int64), leads)
        frame = (len(self.spec.fields), *self.spec.grid.shape)
        # Torch aligns its memory: numpy's copies into its own can be five times as slow.
        history = torch.empty(len(indices), self.history, *frame)
        targets = torch.empty(*leads.shape, *frame)
        runs = [self._runs(*pair) for pair in zip(indices, leads.tolist(), strict=True)]
        ahead = max(1, AHEAD_BYTES // (4 * (self.history + leads.shape[1]) * math.prod(frame)))
        for number, (past, future) in enumerate(runs):
            if number % ahead == 0:
                near = runs[number : number + ahead]
                self.store.announce([run for pair in near for part in pair for run in part])
            self._read(past, history[number].numpy())
            self._read(future, targets[number].numpy())
        samples = [self.place(index)[0] for index in indices]
        given = given_of(self.store, samples, history)
        valid = fill_missing(history, targets, self._holed) if self._holed else None
        return FieldBatch(
            spec=self.spec,
            history=history,
            targets=targets,
            lead_steps=torch.from_numpy(leads),
            valid=valid,
            given=given,
        )

    def _check(self, indices: Int[np.ndarray, " b"], leads: Int[np.ndarray, "b l"]) -> None:
        """Refuse leads that have no target."""
        if not len(indices):
            return
        longest = self.max_leads(indices) + self.longest - self.max_lead
        if not leads.size or leads.min() < 1 or (leads > longest[:, None]).any():
            raise ConfigError(
                f"{self.store.name}: lead times {leads.tolist()} are not all within "
                f"1 to {longest.min()} steps."
            )

    def _runs(self, index: int, leads: Sequence[int]) -> tuple[list[Run], list[Run]]:
        """Frames of a window's history, and of its targets."""
        sample, start = self.place(index)
        last = start + (self.history - 1) * self.step
        past = range(start, last + 1, self.step)
        return _joined(sample, past), _joined(sample, [last + k * self.step for k in leads])

    def _read(self, runs: Sequence[Run], out: Float[np.ndarray, "time c *space"]) -> None:
        first = 0
        for sample, start, stop in runs:
            self.store.read_into(out[first : first + stop - start], sample, start, stop)
            first += stop - start


def _joined(sample: int, frames: Iterable[int]) -> list[Run]:
    """Join frames that follow each other, as far as possible in one read."""
    runs: list[Run] = []
    for frame in frames:
        if runs and runs[-1][2] == frame:
            runs[-1] = (sample, runs[-1][1], frame + 1)
        else:
            runs.append((sample, frame, frame + 1))
    return runs


def sequential_batches(
    windows: Windows,
    *,
    batch_size: int,
    lead_steps: Sequence[int],
    num_windows: int | None = None,
) -> Iterator[FieldBatch]:
    """Go through windows in order, all with the same leads; the last batch may be smaller.

    Args:
        windows: what to go through.
        batch_size: windows of a batch.
        lead_steps: leads of every window.
        num_windows: take only as many, evenly spread over all.
    """
    chosen = np.arange(len(windows))
    if num_windows is not None and num_windows < len(windows):
        chosen = np.linspace(0, len(windows) - 1, num_windows).round().astype(int)
    for start in range(0, len(chosen), batch_size):
        indices = chosen[start : start + batch_size].tolist()
        yield windows.batch(indices, [list(lead_steps)] * len(indices))
