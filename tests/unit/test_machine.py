"""What a process keeps of memory that it has freed."""

import subprocess
import sys

import pytest

KEPT = """
import ctypes
from pathlib import Path
from matey_core.machine import keep_freed_memory
{keep}
libc, size, count = ctypes.CDLL(None), 2**21, 100
libc.malloc.restype = ctypes.c_void_p

def pages():
    return int(Path("/proc/self/statm").read_text().split()[1])

before, parts = pages(), [None] * count
for number in range(count):
    parts[number] = ctypes.c_void_p(libc.malloc(size))
    ctypes.memset(parts[number], 1, size)
for part in reversed(parts):
    libc.free(part)
print((pages() - before) * 4096 / (size * count))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc is what this is about")
def test_freed_memory_is_kept_for_what_comes_next() -> None:
    def kept(keep: str) -> float:
        command = [sys.executable, "-c", KEPT.format(keep=keep)]
        return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)

    assert kept("") < 0.2
    assert kept("keep_freed_memory()") > 0.8
