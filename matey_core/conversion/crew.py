"""Who does the work of a conversion: this process, or several."""

import pickle
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from itertools import islice
from typing import NamedTuple

from matey_core.conversion.work import ConversionJob, Record
from matey_core.errors import RunError
from matey_core.processes import Processes


class UnitRange(NamedTuple):
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
    def run(
        self, job: ConversionJob, tasks: Sequence[UnitRange], *, at_once: int
    ) -> Iterator[list[Record]]:
        """Do the tasks in any order, at most `at_once` together; records come when finished."""


class Alone(Crew):
    """This process."""

    size = 1

    def run(
        self, job: ConversionJob, tasks: Sequence[UnitRange], *, at_once: int
    ) -> Iterator[list[Record]]:
        """Do one unit after the other."""
        for task in tasks:
            for unit in task.units:
                yield job.run([unit], [record for record in task.known if record.unit == unit])


class Local(Crew):
    """Processes of this machine."""

    def __init__(self, size: int) -> None:
        self.size = size
        self._processes = Processes(size)

    def start(self) -> None:
        """Start all processes, which takes as long as reading a few headers."""
        self._processes.start()

    def __exit__(self, *_: object) -> None:
        """Wait for the tasks that have begun, and end all processes."""
        self._processes.__exit__()

    def run(
        self, job: ConversionJob, tasks: Sequence[UnitRange], *, at_once: int
    ) -> Iterator[list[Record]]:
        """Keep every process busy, with one task each in waiting."""
        content = pickle.dumps(job)
        if min(len(tasks), at_once) < 2 or b"__main__" in content:
            # Few tasks are done before a worker has started; and what a script defines
            # itself, other processes cannot import.
            yield from Alone().run(job, tasks, at_once=1)
            return

        def submit(task: UnitRange) -> "Future[list[Record]]":
            return self._processes.submit(do, content, task)

        try:
            yield from in_flight(submit, tasks, 2 * self.size if at_once >= self.size else at_once)
        except BrokenProcessPool as error:
            raise RunError(
                f"A worker process that converted {job.source.path} was killed; it may have run "
                "out of memory.",
                remedy="Run the same command again, which goes on with what is finished; "
                "fewer --workers need less memory.",
            ) from error


def in_flight(
    submit: "Callable[[UnitRange], Future[list[Record]]]", tasks: Iterable[UnitRange], limit: int
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


def do(content: bytes, task: UnitRange) -> list[Record]:
    """Do a task in a worker, which unpacks the job only once."""
    return _unpacked(content).run(task.units, task.known)


@lru_cache(maxsize=2)
def _unpacked(content: bytes) -> ConversionJob:
    return pickle.loads(content)  # made by the process that asks for the work
