"""Times of several things, measured in turn, so that all meet the same weather."""

import statistics
import time
from collections.abc import Callable, Sequence

import torch

from matey_core.profiling.machine import synchronize

ROUNDS = 5


def alternate(
    runs: Sequence[Callable[[], object]], device: torch.device, *, rounds: int = ROUNDS
) -> list[float]:
    """Median seconds of each, run one after the other in every round.

    Args:
        runs: what to time; each runs once more before, to warm up.
        device: what to wait for.
        rounds: how often each is timed.
    """
    for run in runs:
        run()
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(rounds):
        for run, mine in zip(runs, times, strict=True):
            synchronize(device)
            start = time.perf_counter()
            run()
            synchronize(device)
            mine.append(time.perf_counter() - start)
    return [statistics.median(mine) for mine in times]
