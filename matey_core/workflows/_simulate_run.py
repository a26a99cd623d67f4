"""Solving what is not solved yet, a batch after the other."""

import math
import queue
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

from matey_core.simulators import PRECISIONS, Sample, Simulator
from matey_core.simulators._guard import Guard
from matey_core.simulators._integrate import collate
from matey_core.workflows import _machine
from matey_core.workflows._progress import OnProgress, Progress
from matey_core.workflows._simulate_parts import Parts
from matey_core.workflows._simulate_settings import SimulateConfig

CELLS = {"cpu": 2**17, "cuda": 2**24}
"""Cells that are stepped together: what stays in a processor's cache, or fills a GPU."""
LARGEST_BATCH = {"cpu": 64, "cuda": 1024}


class Run:
    """Steps batches of samples and writes them down.

    On a processor each core takes batches of its own: most operations are too short to be
    worth dividing among cores.
    """

    def __init__(self, parts: Parts, config: SimulateConfig, on_progress: OnProgress) -> None:
        self.parts = parts
        self.config = config
        self.device = config.chosen_device()
        self._on_progress = on_progress
        self._began = time.perf_counter()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._solved: dict[int, float] = {}
        """Trajectories by first seed of their batch, counting shares of unfinished ones."""

    def solve(self, seeds: Sequence[int]) -> None:
        """Solve all that is not there yet."""
        left = [seed for seed in seeds if seed not in self.parts.done]
        if not left:
            return
        self._kept, self._total = len(seeds) - len(left), len(seeds)
        cores = self._cores()
        size = self.config.batch or self._batch_size(left, cores)
        batches = queue.SimpleQueue[Sequence[int]]()
        for first in range(0, len(left), size):
            batches.put(left[first : first + size])
        if cores == 1:
            self._work(batches)
            return
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with ThreadPoolExecutor(cores) as pool:
                try:
                    for work in [pool.submit(self._work, batches) for _ in range(cores)]:
                        work.result()
                finally:
                    self._stop.set()
        finally:
            torch.set_num_threads(threads)

    def _cores(self) -> int:
        """Batches that are solved side by side."""
        if self.device != "cpu" or self.config.compile:
            return 1
        return min(_machine.cores(), torch.get_num_threads())

    def _batch_size(self, seeds: Sequence[int], cores: int) -> int:
        shape = _draw(self.config.resolved().build(), seeds[0]).state.shape[1:]
        fitting = min(max(1, CELLS[self.device] // math.prod(shape)), LARGEST_BATCH[self.device])
        return min(fitting, -(-len(seeds) // cores))

    def _work(self, batches: "queue.SimpleQueue[Sequence[int]]") -> None:
        """Solve one batch after the other, with a solver whose memory is its own."""
        simulator = self.config.resolved().build()
        if self.config.compile:
            simulator.compile()
        try:
            while not self._stop.is_set():
                self._solve_batch(simulator, batches.get_nowait())
        except queue.Empty:
            return

    def _solve_batch(self, simulator: Simulator, seeds: Sequence[int]) -> None:
        samples = [_draw(simulator, seed) for seed in seeds]
        batch = collate(samples, PRECISIONS[self.config.dtype], self.device)
        guard = Guard(simulator, batch)
        spec, times = simulator.spec, simulator.times
        shape = (simulator.num_frames, len(spec.fields), *spec.grid.shape)
        with self.parts.recording(seeds, shape) as recording:
            for index, states in enumerate(simulator.frames(batch)):
                if self._stop.is_set():
                    return
                observed = simulator.observe(states, batch)
                guard.see(states, observed)
                recording.add(observed.float().cpu().numpy())
                self._tell(seeds, (index + 1) / simulator.num_frames, times)
        for seed, sample, fault in zip(seeds, samples, guard.faults(), strict=True):
            self.parts.keep(seed, sample, fault)

    def _tell(self, seeds: Sequence[int], share: float, times: np.ndarray) -> None:
        """Report what all cores have done together."""
        with self._lock:
            self._solved[seeds[0]] = share * len(seeds)
            solved = sum(self._solved.values())
            rate = solved * float(times[-1]) / (time.perf_counter() - self._began)
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
