"""Processes of a launch end with the process that launched them, even by a kill."""

import os
import threading
import time
from collections.abc import Callable

VARIABLE = "MATEY_ENDS_WITH_INPUT"
"""Set for processes whose standard input is open for as long as their launcher lives."""

TORCHRUN = "TORCHELASTIC_RUN_ID"
"""Set for processes that torchrun started."""
SECONDS = 1.0
"""From one look at the parent to the next."""


def end_with_launcher() -> None:
    """End this process at once when its launcher is gone; does nothing where there was none."""
    if VARIABLE in os.environ:
        _watch(_wait_for_input)
    elif TORCHRUN in os.environ:
        _watch(_wait_for_other_parent)


def _watch(wait: Callable[[], None]) -> None:
    """Wait in a thread, then end the process."""

    def wait_and_end() -> None:
        wait()
        os._exit(1)

    threading.Thread(target=wait_and_end, name="matey-launcher", daemon=True).start()


def _wait_for_input() -> None:
    os.read(0, 1)  # nobody writes: it returns when the other end is closed


def _wait_for_other_parent() -> None:
    parent = os.getppid()
    while os.getppid() == parent:  # another process adopts children whose parent is gone
        time.sleep(SECONDS)
