"""Signals that ask a training to end, and when it does."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from matey_core.errors import Interrupted

# Windows has no SIGUSR1.
STOPS = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGUSR1") if hasattr(signal, name)
)
"""Ctrl-C, the end by a scheduler or `kill`, and a scheduler's announcement of it."""
INTERRUPTED, TERMINATED = 130, 143
"""Exit codes after Ctrl-C, and after other signals."""
REPEATED = 1.0
"""Seconds after which another Ctrl-C is meant, and not the same one passed on twice."""

Handler = Callable[[int, FrameType | None], None]


def exit_code(number: int) -> int:
    """What a command ends with that a signal has stopped."""
    return INTERRUPTED if number == signal.SIGINT else TERMINATED


@contextmanager
def handled(handler: Handler) -> Iterator[None]:
    """Have a function called for the signals of `STOPS` until the block ends.

    Only the main thread of a process can do that; in others nothing changes. Signals that are
    ignored stay so: a shell ignores Ctrl-C for what runs behind it, and a study for its workers.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    heard = [number for number in STOPS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in heard}
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, signal.SIG_DFL if old is None else old)


class Stop:
    """Ends work at once, or leaves it to the work when, as long as that puts the end off."""

    def __init__(self) -> None:
        self.number = 0
        """The signal that was put off; 0 where there was none."""
        self._puts_off = False
        self._since = 0.0

    @contextmanager
    def listening(self) -> Iterator["Stop"]:
        """Hear signals until the block ends."""
        with handled(self._hear):
            yield self

    @contextmanager
    def put_off(self) -> Iterator[None]:
        """Let the block decide when it ends; a second Ctrl-C ends it at once all the same."""
        self._puts_off = True
        try:
            yield
        finally:
            self._puts_off = False

    def _hear(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        is_second = bool(self.number) and now - self._since > REPEATED
        if not self._puts_off or (number == signal.SIGINT and is_second):
            said = "Stopped before the first step."  # a training that saves says what it has saved
            raise Interrupted(said, is_kept=False, exit_code=exit_code(number))
        if not self.number:
            self.number, self._since = number, now
