"""Processes that solve batches side by side, one core each."""

import pickle
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, wait
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from typing import Any

import torch

from matey_core.errors import RunError
from matey_core.processes import CONTEXT, Processes
from matey_core.workflows.simulate.parts import Part
from matey_core.workflows.simulate.solver import Solver

LOOK_SECONDS = 0.1
"""How often progress is looked at."""


class Workers:
    """Processes that stay for several simulators; they start when there is enough to do.

    Steps are short and many: two processes of one thread each are two to three times as fast
    as one process with two threads, which meet after every operation.
    """

    def __init__(self, size: int, threads: int = 1) -> None:
        """Take note.

        Args:
            size: how many processes.
            threads: of each.
        """
        self.size = size
        self._stepped: Any = CONTEXT.Value("q", 0)
        self._is_stopped: Any = CONTEXT.Value("b", 0)
        self._processes = Processes(size, _prepare, threads, self._stepped, self._is_stopped)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        """End all processes, at their next frame."""
        self._is_stopped.value = 1
        self._processes.__exit__()

    @property
    def are_there(self) -> bool:
        """Whether they have started."""
        return self._processes.have_started

    def solve(
        self,
        arguments: tuple[Any, ...],
        batches: Iterable[Sequence[int]],
        on_look: Callable[[int], None],
    ) -> Iterator[list[Part]]:
        """Solve batches in any order; what was solved comes as it is finished.

        Args:
            arguments: of `Solver`: settings, parts, dtype, device and compiled.
            batches: seeds of each.
            on_look: called every moment with the number of frames of all samples so far. An
                exception from it, or Ctrl-C, stops every worker at its next frame.

        Raises:
            RunError: a worker was killed.
        """
        self._stepped.value = self._is_stopped.value = 0
        content = pickle.dumps(arguments)
        running = {self._processes.submit(_solve, content, seeds) for seeds in batches}
        try:
            while running:
                done, running = wait(running, LOOK_SECONDS, FIRST_COMPLETED)
                on_look(self._stepped.value)
                for future in done:
                    yield future.result()
        except BrokenProcessPool as error:
            raise RunError(
                "A worker process was killed; the machine may have run out of memory.",
                remedy="Run the same command again, which goes on with what is finished; "
                "fewer --workers need less memory.",
            ) from error
        finally:
            self._is_stopped.value = 1
            wait([future for future in running if not future.cancel()])


def can_travel(arguments: tuple[Any, ...]) -> bool:
    """Whether other processes can import what the arguments consist of."""
    return b"__main__" not in pickle.dumps(arguments)


class _StoppedError(Exception):
    """The process that asked for the work no longer wants it."""


_shared: dict[str, Any] = {}
"""In a worker: counters that it shares with the process that started it."""


def _prepare(threads: int, stepped: Any, is_stopped: Any) -> None:
    torch.set_num_threads(threads)
    _shared.update(stepped=stepped, is_stopped=is_stopped)


def _solve(content: bytes, seeds: Sequence[int]) -> list[Part]:
    def count() -> None:
        with _shared["stepped"].get_lock():
            _shared["stepped"].value += len(seeds)
        if _shared["is_stopped"].value:
            raise _StoppedError

    return _solver(content).solve(seeds, count)


@lru_cache(maxsize=1)
def _solver(content: bytes) -> Solver:
    settings, parts, dtype, device, compiled = pickle.loads(content)  # made by our own parent
    return Solver(settings, parts, dtype=dtype, device=device, compiled=compiled)
