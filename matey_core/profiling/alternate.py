"""Times of several things, measured in turn, so that a drift of the machine hits all alike."""

import statistics
import time
from collections.abc import Callable, Sequence

import torch

from matey_core.profiling.machine import synchronize

ROUNDS = 5


def alternate(
    runs: Sequence[Callable[[], object]], device: torch.device, *, rounds: int = ROUNDS
) -> list[float]:
    """Median seconds of each, run in turn.

    Args:
        runs: what to time; each runs once more before, to warm up.
        device: what to wait for.
        rounds: how often each is timed.
    """
    return [statistics.median(times) for times in in_turns(runs, device, rounds=rounds)]


def spread(times: Sequence[float]) -> float:
    """Half the distance between the quartiles, as a fraction of the median."""
    first, middle, third = statistics.quantiles(times, n=4)
    return (third - first) / 2 / middle


def in_turns(
    runs: Sequence[Callable[[], object]],
    device: torch.device,
    *,
    rounds: int = ROUNDS,
    seconds: float = 0.0,
    on_round: Callable[[float], None] | None = None,
) -> list[list[float]]:
    """Seconds of each, there and back again, so that a drift of the machine's speed cancels.

    Args:
        runs: what to time; each runs once more before, to warm up.
        device: what to wait for.
        rounds: how often each is timed at least.
        seconds: as often as this time allows, if that is more.
        on_round: called before every round with the seconds so far.
    """
    for run in runs:
        run()
    times: list[list[float]] = [[] for _ in runs]
    began, done = time.perf_counter(), 0
    while runs and (done < rounds or time.perf_counter() < began + seconds):
        if on_round is not None:
            on_round(time.perf_counter() - began)
        order = range(len(runs))
        for index in order if done % 2 == 0 else reversed(order):
            synchronize(device)
            start = time.perf_counter()
            runs[index]()
            synchronize(device)
            times[index].append(time.perf_counter() - start)
        done += 1
    return times
