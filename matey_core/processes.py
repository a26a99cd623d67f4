"""Processes of this machine that work for this one, and end with it."""

import gc
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import connection, resource_tracker
from types import ModuleType
from typing import Any, ParamSpec, TypeVar

BLAS_THREADS = "OPENBLAS_NUM_THREADS"
# Spawned and not forked: HDF5 and threads do not survive a fork.
CONTEXT = multiprocessing.get_context("spawn")

_is_worker = False

P = ParamSpec("P")
R = TypeVar("R")


class Processes:
    """Processes that start when they are first needed, and stay until the end of a `with`."""

    def __init__(
        self, size: int, prepare: Callable[..., None] | None = None, *arguments: Any
    ) -> None:
        """Take note.

        Args:
            size: how many.
            prepare: called in each before its first task.
            arguments: of `prepare`; may be values that `CONTEXT` shares.
        """
        self.size = size
        self._prepare = (prepare, arguments)
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> "Processes":
        return self

    def __exit__(self, *_: object) -> None:
        """Wait for the tasks that have begun, and end all processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def kill(self) -> None:
        """End all processes at once; what they were at is lost."""
        if self._pool is not None:
            for process in list(self._pool._processes.values()):
                process.kill()

    @property
    def have_started(self) -> bool:
        """Whether there was a first task."""
        return self._pool is not None

    def start(self) -> None:
        """Start all processes, while this one goes on."""
        for _ in range(self.size):
            self.submit(os.getpid)

    def submit(
        self, function: Callable[P, R], *arguments: P.args, **options: P.kwargs
    ) -> "Future[R]":
        """Have a function called, of a module that can be imported, in one of the processes."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(self.size, CONTEXT, _begin, self._prepare)
        with _for_workers_only():
            return self._pool.submit(function, *arguments, **options)


def is_worker() -> bool:
    """Whether this process works for another, which has met all files before."""
    return _is_worker


def _begin(prepare: Callable[..., None] | None, arguments: tuple[Any, ...]) -> None:
    """Make a worker end when the process that started it does, even by a kill."""
    global _is_worker
    _is_worker = True
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    gc.freeze()  # what is imported stays
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    if prepare is not None:
        prepare(*arguments)


@contextmanager
def _for_workers_only() -> Iterator[None]:
    """Let processes that start meanwhile know nothing of Ctrl-C and of the calling script.

    A spawned process would run the script again, which scripts without a guard, notebooks
    and standard input do not survive; and a worker needs nothing of it.
    """
    script, threads = sys.modules["__main__"], os.environ.get(BLAS_THREADS)
    sys.modules["__main__"] = ModuleType("__main__")
    os.environ[BLAS_THREADS] = "1"  # its threads spin while they wait
    try:
        with _uninterrupted():
            yield
    finally:
        sys.modules["__main__"] = script
        del os.environ[BLAS_THREADS]
        if threads is not None:
            os.environ[BLAS_THREADS] = threads


@contextmanager
def _uninterrupted() -> Iterator[None]:
    """Put Ctrl-C off until the block ends; processes that start meanwhile never hear of it."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    resource_tracker.ensure_running()  # which would let signals through when it starts
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
