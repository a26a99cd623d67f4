"""Where processes wait for the first one, which may work alone for as long as it lives."""

import threading
from datetime import timedelta
from typing import Any

import torch.distributed as dist

from matey_core.distributed._world import Place
from matey_core.sequence_group import raise_if_absent

PATIENCE = timedelta(hours=2)
"""How long the others wait while the first lives: it validates, saves and measures."""
KEPT = 64
"""Signs that are kept in the store. A process is behind the first by the depth of a tree at most,
since each exchange after a sign needs all of them."""


class Gate:
    """Opens for the other processes when the first one comes.

    An exchange has no such patience: gloo would keep a process that fails until its time is over.
    """

    def __init__(self, store: Any, place: Place, timeout: timedelta) -> None:
        """Set up, before the first one is waited for.

        Args:
            store: of the group.
            place: this process.
            timeout: after which a first process that is silent or stuck is not waited for.
        """
        self._store, self._place, self._timeout = store.clone(), place, timeout
        self._passed = 0

    def pass_through(self) -> None:
        """Open the gate, or wait until it is open.

        Raises:
            RunError: a process gives no signs of life, or is stuck.
            DistError: the store is gone, or did not hear of the first within `PATIENCE`.
        """
        self._passed += 1
        if self._place.is_first:
            self._store.set(f"gate/{self._passed}", "")
            self._store.delete_key(f"gate/{self._passed - KEPT}")
            return
        wait = _Wait(self._store, f"gate/{self._passed}")
        while not wait.ended.wait(self._timeout.total_seconds()):
            raise_if_absent(None, if_alive=False)
        if wait.error is not None:
            raise wait.error


class _Wait(threading.Thread):
    """Waits for a key in a thread, as a store whose process is stopped never answers."""

    def __init__(self, store: Any, key: str) -> None:
        super().__init__(name="matey-gate", daemon=True)
        self._store, self._key = store, key
        self.ended = threading.Event()
        self.error: dist.DistError | None = None
        self.start()

    def run(self) -> None:
        try:
            self._store.wait([self._key], PATIENCE)
        except dist.DistError as error:
            self.error = error
        self.ended.set()
