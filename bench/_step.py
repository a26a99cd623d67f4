"""Time and memory of one training step, in a process that has done nothing else."""

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import torch
from torch import Tensor

from matey_core.profiling import alternate, saved_bytes

Step = Callable[[], Tensor]
"""A forward pass that ends in a number with a gradient."""


def fresh(module: str, *arguments: str, limit: float) -> dict[str, float] | None:
    """Run `python -m MODULE ARGUMENTS`, which prints one row; None where it takes too long.

    Args:
        module: with a `main` that prints the row.
        arguments: for it.
        limit: seconds.
    """
    command = [sys.executable, "-m", module, *arguments]
    try:
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=limit)
    except subprocess.TimeoutExpired:
        return None
    return json.loads(done.stdout)


def measure(
    step: Step, *, repeats: int, patience: float = 5.0, without: Iterable[Tensor] = ()
) -> dict[str, float]:
    """Seconds of forward and backward pass, and the peak of the memory they add to the process.

    Args:
        step: the forward pass.
        repeats: of which the median counts; one where a step takes longer than `patience`.
        patience: seconds.
        without: what is in memory anyway, such as weights, and does not count as saved.
    """
    before = _start_peak()
    times = [_seconds(step)]
    growth = _peak() - before
    if times[0] < patience:
        times = [_seconds(step) for _ in range(repeats)]
    return {
        "seconds": statistics.median(times),
        "peak_mb": growth / 1e6,
        "saved_mb": saved_bytes(step, without=without) / 1e6,
    }


def alternating(steps: dict[str, Step], *, repeats: int) -> dict[str, float]:
    """Median seconds of forward and backward pass of each, in turn."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    runs = [lambda step=step: step().backward() for step in steps.values()]
    return dict(zip(steps, alternate(runs, device, rounds=repeats), strict=True))


def _seconds(step: Step) -> float:
    _settle()
    began = time.perf_counter()
    step().backward()
    _settle()
    return time.perf_counter() - began


def _settle() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _start_peak() -> int:
    """Forget earlier peaks; bytes in use now."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
        return torch.cuda.memory_allocated()
    Path("/proc/self/clear_refs").write_text("5")
    return _resident("VmRSS")


def _peak() -> int:
    return torch.cuda.max_memory_allocated() if torch.cuda.is_available() else _resident("VmHWM")


def _resident(key: str) -> int:
    (line,) = (
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(key)
    )
    return 1024 * int(line.split()[1])
