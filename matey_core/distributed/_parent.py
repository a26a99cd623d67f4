"""Processes of a launch end with the process that launched them, even by a kill."""

import os
import threading

VARIABLE = "MATEY_ENDS_WITH_INPUT"
"""Set for processes whose standard input is open for as long as their launcher lives."""


def end_with_launcher() -> None:
    """End this process at once when its launcher is gone; does nothing where there was none."""
    if VARIABLE in os.environ:
        threading.Thread(target=_wait_and_end, name="matey-launcher", daemon=True).start()


def _wait_and_end() -> None:
    os.read(0, 1)  # nobody writes: it returns when the other end is closed
    os._exit(1)
