"""Solving what is not solved yet, a batch after the other."""

import math
import time
from collections.abc import Sequence

import numpy as np

from matey_core.simulators import PRECISIONS, Sample, Simulator
from matey_core.simulators._guard import Guard
from matey_core.simulators._integrate import collate
from matey_core.simulators._memory import keep_memory
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

    def solve(self, seeds: Sequence[int]) -> None:
        """Solve all that is not there yet."""
        left = [seed for seed in seeds if seed not in self.parts.done]
        if not left:
            return
        keep_memory()
        if self.config.compile:
            self.simulator.compile()
        self._kept, self._total = len(seeds) - len(left), len(seeds)
        size = self.config.batch or self._batch_size(left[0])
        for first in range(0, len(left), size):
            self._solve_batch(left[first : first + size], first)

    def _batch_size(self, seed: int) -> int:
        shape = _draw(self.simulator, seed).state.shape[1:]
        return min(max(1, CELLS[self.device] // math.prod(shape)), LARGEST_BATCH[self.device])

    def _solve_batch(self, seeds: Sequence[int], before: int) -> None:
        simulator = self.simulator
        samples = [_draw(simulator, seed) for seed in seeds]
        batch = collate(samples, PRECISIONS[self.config.dtype], self.device)
        guard = Guard(simulator, batch)
        shape = (simulator.num_frames, len(simulator.spec.fields), *simulator.spec.grid.shape)
        with self.parts.recording(seeds, shape) as recording:
            for index, states in enumerate(simulator.frames(batch)):
                observed = simulator.observe(states, batch)
                guard.see(states, observed)
                recording.add(observed.float().cpu().numpy())
                self._tell(before + (index + 1) / simulator.num_frames * len(seeds))
        for seed, sample, fault in zip(seeds, samples, guard.faults(), strict=True):
            self.parts.keep(seed, sample, fault)

    def _tell(self, solved: float) -> None:
        length = float(self.simulator.times[-1])
        rate = solved * length / (time.perf_counter() - self._began)
        self._on_progress(
            Progress(
                task=f"simulate {self.config.simulator}",
                done=self._kept + solved,
                total=self._total,
                unit="trajectories",
                facts=(("simulated time/s", f"{rate:.3g}"),),
            )
        )


def _draw(simulator: Simulator, seed: int) -> Sample:
    return simulator.sample(np.random.RandomState(seed))
