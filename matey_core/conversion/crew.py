"""Who does the work of a conversion: this process, or several."""

import gc
import multiprocessing
import os
import pickle
import signal
import sys
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from multiprocessing import connection
from types import ModuleType
from typing import NamedTuple

from matey_core.conversion.work import Job, Record
from matey_core.errors import RunError

BLAS_THREADS = "OPENBLAS_NUM_THREADS"


class Task(NamedTuple):
    """Units that one worker does in a row, and what is known of them."""

    units: range
    known: tuple[Record, ...]


class Crew(ABC):
    """Workers that stay for several conversions."""

    size: int
    """How many tasks are done at once."""

    def __enter__(self) -> "Crew":
        return self

    def __exit__(self, *_: object) -> None:
        """Let the workers go."""
        return

    def start(self) -> None:  # noqa: B027
        """Get ready, as there is much to do."""

    @abstractmethod
    def run(self, job: Job, tasks: Sequence[Task], *, at_once: int) -> Iterator[list[Record]]:
        """Do the tasks in any order, at most `at_once` together; records come when finished."""


class Alone(Crew):
    """This process."""

    size = 1

    def run(self, job: Job, tasks: Sequence[Task], *, at_once: int) -> Iterator[list[Record]]:
        """Do one unit after the other."""
        for task in tasks:
            for unit in task.units:
                yield job.run([unit], [record for record in task.known if record.unit == unit])


class Processes(Crew):
    """Processes of this machine, started when they are first needed."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._pool: ProcessPoolExecutor | None = None

    def start(self) -> None:
        """Start all processes, which takes as long as reading a few headers."""
        pool = self._start()
        for _ in range(self.size):
            with _for_workers_only():
                pool.submit(os.getpid)

    def __exit__(self, *_: object) -> None:
        """Wait for the tasks that have begun, and end all processes."""
        if self._pool is not None:
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def run(self, job: Job, tasks: Sequence[Task], *, at_once: int) -> Iterator[list[Record]]:
        """Keep every process busy, with one task each in waiting."""
        content = pickle.dumps(job)
        if min(len(tasks), at_once) < 2 or b"__main__" in content:
            # Few tasks are done before a worker has started; and what a script defines
            # itself, other processes cannot import.
            yield from Alone().run(job, tasks, at_once=1)
            return
        pool = self._start()

        def submit(task: Task) -> "Future[list[Record]]":
            with _for_workers_only():
                return pool.submit(do, content, task)

        try:
            yield from in_flight(submit, tasks, 2 * self.size if at_once >= self.size else at_once)
        except BrokenProcessPool as error:
            raise RunError(
                f"A worker process that converted {job.source.path} was killed; it may have run "
                "out of memory.",
                remedy="Run the same command again, which goes on with what is finished; "
                "fewer --workers need less memory.",
            ) from error

    def _start(self) -> ProcessPoolExecutor:
        if self._pool is None:
            # Spawned and not forked: HDF5 and threads do not survive a fork.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.size, context, initializer=leave_with_parent)
        return self._pool


def in_flight(
    submit: "Callable[[Task], Future[list[Record]]]", tasks: Iterable[Task], limit: int
) -> Iterator[list[Record]]:
    """Give results as they come, with at most `limit` tasks submitted and not yet finished."""
    waiting = iter(tasks)
    running = {submit(task) for task in islice(waiting, limit)}
    try:
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            running.update(submit(task) for task in islice(waiting, len(done)))
            for future in done:
                yield future.result()
    finally:
        begun = [future for future in running if not future.cancel()]
        wait(begun)  # nobody may write any more when the caller cleans up


def do(content: bytes, task: Task) -> list[Record]:
    """Do a task in a worker, which unpacks the job only once."""
    return _unpacked(content).run(task.units, task.known)


@lru_cache(maxsize=2)
def _unpacked(content: bytes) -> Job:
    return pickle.loads(content)  # made by the process that asks for the work


def leave_with_parent() -> None:
    """Make a worker end when the process that started it does, even by a kill."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    gc.freeze()  # what is imported stays
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


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
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
