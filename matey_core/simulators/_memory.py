"""Memory that is kept for the next step, instead of being given back and asked for again."""

import ctypes
import sys

TRIM_THRESHOLD, MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's `mallopt`."""
KEPT = 2**30
LARGEST = 2**25
"""As large as glibc takes from its heap at most."""


def keep_memory() -> None:
    """Let the C library keep up to 1 GiB that is free.

    A step makes and drops the same arrays again and again; by default each is given back to
    the system at once, and every page of the next one is a page fault: a third of the time.
    Changes how the process uses memory, so it is for programs to call, not for libraries.
    """
    if not sys.platform.startswith("linux"):
        return
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):  # another C library
        return
    mallopt(MMAP_THRESHOLD, LARGEST)
    mallopt(TRIM_THRESHOLD, KEPT)
