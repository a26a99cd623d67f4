"""A solver in one process a core, each with one thread, as `matey simulate` runs it."""

import os
import time

import numpy as np
import torch

from matey_core.processes import Processes
from matey_core.simulators import SimulatorConfig
from matey_core.simulators._integrate import collate
from matey_core.simulators._memory import keep_memory


def side_by_side(settings: SimulatorConfig, batch: int) -> float:
    """Trajectories a second of all processes, each with a batch of its own."""
    cores = len(os.sched_getaffinity(0))
    with Processes(cores, _prepare) as processes:
        for _ in range(2):  # the first imports, and fills caches
            began = time.perf_counter()
            running = [
                processes.submit(_solve, settings, range(first, first + batch))
                for first in range(0, cores * batch, batch)
            ]
            for future in running:
                future.result()
            seconds = time.perf_counter() - began
    return cores * batch / seconds


def _prepare() -> None:
    torch.set_num_threads(1)
    keep_memory()


def _solve(settings: SimulatorConfig, seeds: range) -> None:
    simulator = settings.build()
    samples = [simulator.sample(np.random.RandomState(seed)) for seed in seeds]
    problems = collate(samples, torch.float32, "cpu")
    for states in simulator.frames(problems):
        simulator.observe(states, problems)
