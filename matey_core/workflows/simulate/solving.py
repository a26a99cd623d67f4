"""Solving what is not solved yet: batch after batch, or side by side in several processes."""

import math
import time
from collections.abc import Sequence

import torch

from matey_core import machine
from matey_core.progress import OnProgress, Progress
from matey_core.simulators import PRECISIONS, Simulator
from matey_core.simulators._integrate import collate
from matey_core.workflows.simulate.parts import Parts
from matey_core.workflows.simulate.settings import SimulateConfig
from matey_core.workflows.simulate.solver import Solver, draw
from matey_core.workflows.simulate.workers import Workers, can_travel

CELLS = {"cpu": 2**17, "cuda": 2**24}
"""Cells that are stepped together: what stays in a processor's cache, or fills a GPU. Processes
side by side, of one thread each, take half."""
LARGEST_BATCH = {"cpu": 64, "cuda": 1024}
START_SECONDS, BUSY_SECONDS = 10.0, 1.0
"""Work of one process for which others are started, which takes 2 or 3 s to import torch, and
for which those that are there already are made use of."""
WORKER_BYTES = 2**29
"""Memory of a worker, beside the arrays of its solver."""
ARRAYS = 64
"""Arrays of a solver's work for each field."""


class Run:
    """Solves samples into a folder of parts."""

    def __init__(
        self, config: SimulateConfig, parts: Parts, on_progress: OnProgress, workers: Workers | None
    ) -> None:
        """Take note.

        Args:
            config: what to simulate.
            parts: where finished trajectories go.
            on_progress: called after every frame.
            workers: processes to share the work with; None: this process does it.
        """
        self._config = config
        self._parts = parts
        self._on_progress = on_progress
        self._workers = workers
        settings, device = config.resolved(), config.chosen_device()
        self._arguments = (settings, parts.path, config.dtype, device, config.compile)
        self._simulator = settings.build()
        self._device = device

    def solve(self, seeds: Sequence[int]) -> None:
        """Solve all that is not there yet."""
        left = [seed for seed in seeds if seed not in self._parts.done]
        if not left:
            return
        self._kept, self._total = len(seeds) - len(left), len(seeds)
        self._began = time.perf_counter()
        workers = self._workers if self._is_worth_workers(left) else None
        size = self._config.batch or self._batch_size(left, workers.size if workers else 1)
        batches = [left[first : first + size] for first in range(0, len(left), size)]
        if workers is None:
            self._solve_here(batches)
            return
        for found in workers.solve(self._arguments, batches, self._tell):
            self._parts.note(found)

    def _solve_here(self, batches: Sequence[Sequence[int]]) -> None:
        settings, path, dtype, device, compiled = self._arguments
        solver = Solver(settings, path, dtype=dtype, device=device, compiled=compiled)
        stepped = 0
        for seeds in batches:

            def count(size: int = len(seeds)) -> None:
                nonlocal stepped
                stepped += size
                self._tell(stepped)

            self._parts.note(solver.solve(seeds, count))

    def _batch_size(self, left: Sequence[int], workers: int) -> int:
        cells = math.prod(self._simulator.spec.grid.shape)
        together = CELLS[self._device] // (2 if workers > 1 else 1)
        fitting = min(max(1, together // cells), LARGEST_BATCH[self._device])
        return min(fitting, math.ceil(len(left) / workers))

    def _is_worth_workers(self, left: Sequence[int]) -> bool:
        """Whether others, once they have started, still have enough to do."""
        if self._workers is None or len(left) == 1 or not can_travel(self._arguments):
            return False
        if self._config.workers is not None:
            return True
        worth = BUSY_SECONDS if self._workers.are_there else START_SECONDS
        return len(left) * _seconds(self._simulator, left[0], self._config) > worth

    def _tell(self, stepped: int) -> None:
        solved = stepped / self._simulator.num_frames
        rate = solved * float(self._simulator.times[-1]) / (time.perf_counter() - self._began)
        self._on_progress(
            Progress(
                task=f"simulate {self._config.simulator}",
                done=self._kept + solved,
                total=self._total,
                unit="trajectories",
                facts=(("simulated time/s", f"{rate:.3g}"),),
            )
        )


def workers_for(configs: Sequence[SimulateConfig]) -> Workers | None:
    """Make the processes that are asked for, or, without a wish, one a core if memory allows.

    Args:
        configs: all that they will work for.
    """
    cores, first = machine.cores(), configs[0]
    if first.chosen_device() != "cpu":
        return None
    size = first.workers
    if size is None:
        if any(config.compile for config in configs):  # each would compile for itself
            return None
        specs = [config.resolved().build().spec for config in configs]
        values = (
            len(spec.fields) * max(CELLS["cpu"], math.prod(spec.grid.shape)) for spec in specs
        )
        size = min(cores, machine.memory() // (WORKER_BYTES + 8 * ARRAYS * max(values)))
    return Workers(size, max(1, cores // size)) if size > 1 else None


def _seconds(simulator: Simulator, seed: int, config: SimulateConfig) -> float:
    """About how long a trajectory takes: the time of one step, by their number."""
    batch = collate([draw(simulator, seed)], PRECISIONS[config.dtype], "cpu")
    limit = simulator.stable_step(batch.states, batch)
    limit = limit.min().item() if isinstance(limit, torch.Tensor) else limit
    interval = simulator.spec.time_step
    steps = max(1, math.ceil(interval / limit)) if limit > 0 else 1
    simulator.step(batch.states, interval / steps, batch)
    began = time.perf_counter()
    simulator.step(batch.states, interval / steps, batch)
    return (time.perf_counter() - began) * steps * (simulator.num_frames - 1)
