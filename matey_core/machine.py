"""What this machine has, and how this process was called."""

import ctypes
import os
import platform
import shlex
import sys
from contextlib import suppress
from pathlib import Path

LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
"""Where Linux tells how much memory a container may use."""
TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Names of settings of glibc's `mallopt`."""
KEPT, LARGEST = 2**30, 2**25
"""Bytes of freed memory that are kept for later, and size of the largest part that is."""


def cores() -> int:
    """Cores that this process may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory() -> int:
    """Bytes of memory, of the machine or of the container if that has less."""
    found = []
    with suppress(ValueError, OSError, AttributeError):
        found.append(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    for name in LIMITS:
        with suppress(ValueError, OSError):
            found.append(int(Path(name).read_text()))
    return min(found, default=8 * 2**30)


def command_line() -> str:
    """The command as typed, such as `matey pretrain --minutes 5`; empty in other programs."""
    program = Path(sys.argv[0] if sys.argv else "")
    is_ours = program.stem == "matey" or program.parts[-2:] == ("matey_cli", "__main__.py")
    return shlex.join(["matey", *sys.argv[1:]]) if is_ours else ""


def cpu_model() -> str:
    """Name of the processor, as far as the system tells it."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith(("model name", "Model")):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def keep_freed_memory() -> None:
    """Have freed memory kept for what is allocated next, in this process from now on.

    A step of training frees and allocates the same megabytes again and again. glibc returns them
    to the system meanwhile, and each of their pages costs a fault: a tenth of a step on a CPU.
    Where there is no glibc, or its settings are in the environment already, nothing changes.
    """
    if any(name.startswith("MALLOC_") for name in os.environ):
        return
    with suppress(OSError, AttributeError):
        mallopt = ctypes.CDLL(None).mallopt
        mallopt(MMAP_THRESHOLD, LARGEST)
        mallopt(TRIM_THRESHOLD, KEPT)
