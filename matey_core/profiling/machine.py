"""What this machine can do: matrix products a second, and memory used at most."""

import ctypes
import gc
import resource
import sys
import time
from pathlib import Path

import torch

PEAK_SECONDS = 0.5
LARGEST = 16384


def matmul_peak(device: torch.device, dtype: torch.dtype) -> float:
    """Measure the best rate of square matrix products, in operations a second.

    The size is doubled as long as that is faster and fits the time; the best of the
    repetitions counts, since it is meant as an upper bound.
    """
    best, size = 0.0, 256
    deadline = time.perf_counter() + PEAK_SECONDS
    while size <= LARGEST:
        left = torch.randn(size, size, device=device).to(dtype)
        right = torch.randn(size, size, device=device).to(dtype)
        rate, seconds = _rate(left, right)
        improved = rate > 1.02 * best
        best = max(best, rate)
        if not improved or time.perf_counter() + 24 * seconds > deadline:
            break
        size *= 2
    return best


def reset_peak_memory(device: torch.device) -> None:
    """Start to look for the largest memory use anew."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        return
    if sys.platform == "linux":
        # Freed blocks that the allocator keeps would count as used.
        ctypes.CDLL(None).malloc_trim(0)
        try:
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        except OSError:
            return


def peak_memory(device: torch.device) -> int:
    """Bytes used at most since `reset_peak_memory`.

    On a GPU the tensors allocated there; on a CPU the resident memory of this process,
    Python and torch included (where the system cannot reset it, since its start).
    """
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    status = Path("/proc/self/status")
    if status.exists():
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("VmHWM:"):
                return 1024 * int(line.split()[1])
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def synchronize(device: torch.device) -> None:
    """Wait until everything handed to `device` is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _rate(left: torch.Tensor, right: torch.Tensor) -> tuple[float, float]:
    """Best operations a second of a few products, and the seconds of one."""
    fastest = float("inf")
    for _ in range(4):
        synchronize(left.device)
        start = time.perf_counter()
        torch.mm(left, right)
        synchronize(left.device)
        fastest = min(fastest, time.perf_counter() - start)
    return 2 * left.shape[0] ** 3 / fastest, fastest
