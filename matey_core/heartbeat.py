"""Signs of life of processes that train together, so that one that hangs is named.

A thread of every process writes into the group's store that it lives, and where its main thread is.
A process that has waited for too long reads what the others wrote.
"""

import json
import os
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import torch.distributed as dist

SLOWEST = 15.0
"""Seconds from one sign of life to the next, where the timeout is long."""
BEATS = 20
"""Signs of life within a timeout at least."""
SILENT = 3
"""Signs of life that must be missing until a process counts as silent."""
IDLE = 0.1
"""Part of the time that a process may compute, and still counts as standing still."""
SHORTEST = 2.0
"""Seconds without signs of life at least, for busy machines."""
WAITING = ("torch/distributed/", "matey_core/sequence_group", "matey_core/distributed/", __file__)
"""In the path of code that waits for other processes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Absent:
    """A process that the others wait for."""

    rank: int
    is_silent: bool
    """Whether it gives no signs of life; otherwise it lives, and is at something else."""
    is_stuck: bool = False
    """Whether its main thread has stood still for the whole timeout, and nothing was computed."""
    place: str = ""
    """Its machine and the number of its process there."""
    position: str = ""
    """File and line where its main thread was last."""

    def __str__(self) -> str:
        name = f"Process {self.rank}" + (f" ({self.place})" if self.place else "")
        last = f"; it was last at {self.position}" if self.position else ""
        moves = "does not move" if self.is_stuck else "does not come"
        return f"{name} {'gives no sign of life' if self.is_silent else moves}{last}"


class _Stillness:
    """Measures how long a thread has stood still: at one instruction, while nothing was computed.

    A thread at work computes, or is at another instruction when it is looked at again.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        processor: Callable[[], float] = time.process_time,
    ) -> None:
        """Begin now.

        Args:
            clock: seconds since any moment.
            processor: CPU seconds of this process, all threads together.
        """
        self._clock, self._processor = clock, processor
        self._stack = 0
        self._computed = 0.0
        self._looked = self._moved = clock()

    def seconds(self, stack: int) -> float:
        """Seconds until now, of the thread whose stack has this number."""
        now, computed = self._clock(), self._processor()
        if stack != self._stack or computed - self._computed > IDLE * (now - self._looked):
            self._moved = now
        self._stack, self._computed, self._looked = stack, computed, now
        return now - self._moved


class Heartbeat:
    """Tells the other processes that this one lives, until it is stopped."""

    current: "Heartbeat | None" = None
    """That of this process, which is one of a single group, as in torch."""

    def __init__(self, store: Any, *, rank: int, size: int, timeout: timedelta) -> None:
        """Write the first sign of life, and go on in a thread.

        Args:
            store: of the group.
            rank: of this process.
            size: number of processes.
            timeout: how long the others wait for a process.
        """
        self.rank, self.timeout = rank, timeout
        self._keys = [f"heartbeat/{each}" for each in range(size)]
        self._store = store
        self._beat = min(SLOWEST, timeout.total_seconds() / BEATS)
        self._silence = max(SHORTEST, SILENT * self._beat)
        self._where = partial(_position, threading.get_ident())
        self._stillness = _Stillness()
        self._ended = threading.Event()
        self._write(store, 0)
        self._thread = threading.Thread(target=self._go_on, name="matey-heartbeat", daemon=True)
        self._thread.start()
        Heartbeat.current = self

    def stop(self) -> None:
        """Give no further signs of life."""
        Heartbeat.current = None
        self._ended.set()
        self._thread.join(timeout=self._beat)

    def absent(self) -> list[Absent]:
        """Find out who is silent, and who lives but does not wait for others as this one does.

        It takes a few beats. The first process has the store: if that does not answer, it is the
        first one that is silent.
        """
        readings: list[list[dict[str, Any]]] = []
        reader = threading.Thread(target=self._read_twice, args=(readings,), daemon=True)
        reader.start()
        reader.join(timeout=2 * self._silence)
        if len(readings) < 2:
            return [] if self.rank == 0 else [Absent(rank=0, is_silent=True)]
        return [
            Absent(
                rank=rank,
                is_silent=before["beat"] == after["beat"],
                is_stuck=after["still"] >= self.timeout.total_seconds(),
                place=after["place"],
                position=after["position"],
            )
            for rank, (before, after) in enumerate(zip(*readings, strict=True))
            if rank != self.rank and (before["beat"] == after["beat"] or not after["waits"])
        ]

    def _go_on(self) -> None:
        store, beat = self._store.clone(), 0  # a connection of its own
        while not self._ended.wait(self._beat):
            beat += 1
            try:
                self._write(store, beat)
            except dist.DistError:
                return  # the process that has the store is gone, as the others see by themselves

    def _write(self, store: Any, beat: int) -> None:
        position, waits, stack = self._where()
        place = f"process id {os.getpid()} on {socket.gethostname()}"
        still = self._stillness.seconds(stack)
        said = {"beat": beat, "place": place, "position": position, "waits": waits, "still": still}
        store.set(self._keys[self.rank], json.dumps(said))

    def _read_twice(self, readings: list[list[dict[str, Any]]]) -> None:
        store = self._store.clone()
        for pause in (self._silence, 0.0):
            readings.append([json.loads(said) for said in store.multi_get(self._keys)])
            time.sleep(pause)


def _position(thread: int) -> tuple[str, bool, int]:
    """Look where a thread is.

    Returns:
        Its file and line, in our code if it is there; whether it waits for other processes; and a
        number of its stack, which changes with every instruction.
    """
    frame = sys._current_frames().get(thread)
    visited, stack = [], []
    while frame is not None:
        visited.append((frame.f_code.co_filename, frame.f_lineno))
        stack.append((frame.f_code.co_filename, frame.f_lasti))
        frame = frame.f_back
    waits = any(part in file for file, _ in visited for part in WAITING)
    own = [(file, line) for file, line in visited if "matey_core" in file]
    file, line = next(iter((*own, *visited)), ("", 0))
    return f"{file[max(0, file.rfind('matey_core')) :]}:{line}", waits, hash(tuple(stack))
