"""Solving what is not solved yet, a batch after the other."""

import math
import time
from collections.abc import Sequence

import numpy as np

from matey_core.simulators import PRECISIONS, Sample, Simulator
from matey_core.simulators._guard import Guard
from matey_core.simulators._integrate import collate
from matey_core.workflows._progress import OnProgress, Progress
from matey_core.workflows._simulate_parts import Parts
from matey_core.workflows._simulate_settings import SimulateConfig

CELLS = {"cpu": 2**17, "cuda": 2**24}
"""Cells that are stepped together: what stays in a processor's cache, or fills a GPU."""
LARGEST_BATCH = {"cpu": 64, "cuda": 1024}


class Run:
    """Steps batches of samples and writes them down."""

    def __init__(
        self, simulator: Simulator, parts: Parts, config: SimulateConfig, on_progress: OnProgress
    ) -> None:
        self.simulator = simulator
        self.parts = parts
        self.config = config
        self.device = config.chosen_device()
        self._on_progress = on_progress
        self._began = time.perf_counter()
        self._solved = 0.0
        """Trajectories, counting shares of those that are being solved."""

    def solve(self, seeds: Sequence[int]) -> None:
        """Solve all that is not there yet."""
        left = [seed for seed in seeds if seed not in self.parts.done]
        kept = len(seeds) - len(left)
        if left and self.config.compile:
            self.simulator.compile()
        size = self.config.batch or self._batch_size(left)
        for first in range(0, len(left), size):
            self._solve_batch(left[first : first + size], kept + first, len(seeds))

    def _batch_size(self, seeds: Sequence[int]) -> int:
        if not seeds:
            return 1
        shape = _draw(self.simulator, seeds[0]).state.shape[1:]
        return min(max(1, CELLS[self.device] // math.prod(shape)), LARGEST_BATCH[self.device])

    def _solve_batch(self, seeds: Sequence[int], before: int, total: int) -> None:
        simulator = self.simulator
        samples = [_draw(simulator, seed) for seed in seeds]
        batch = collate(samples, PRECISIONS[self.config.dtype], self.device)
        guard = Guard(simulator, batch)
        spec = simulator.spec
        shape = (simulator.num_frames, len(spec.fields), *spec.grid.shape)
        solved = self._solved
        with self.parts.recording(seeds, shape) as recording:
            for index, states in enumerate(simulator.frames(batch)):
                observed = simulator.observe(states, batch)
                guard.see(states, observed)
                recording.add(observed.float().cpu().numpy())
                share = (index + 1) / simulator.num_frames
                self._solved = solved + share * len(seeds)
                self._tell(before + share * len(seeds), total, float(simulator.times[index]))
        for seed, sample, fault in zip(seeds, samples, guard.faults(), strict=True):
            self.parts.keep(seed, sample, fault)

    def _tell(self, done: float, total: int, now: float) -> None:
        rate = self._solved / (time.perf_counter() - self._began)
        length = float(self.simulator.times[-1])
        facts = (
            ("time", f"{now:.4g}"),
            ("simulated time/s", f"{rate * length:.3g}"),
        )
        task = f"simulate {self.config.simulator}"
        self._on_progress(
            Progress(task=task, done=done, total=total, unit="trajectories", facts=facts)
        )


def _draw(simulator: Simulator, seed: int) -> Sample:
    return simulator.sample(np.random.RandomState(seed))
