"""Work off the cells of a study, one after the other or in processes side by side."""

from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from typing import Any

from matey_core.cells import Task
from matey_core.cells.log import CellLog
from matey_core.cells.work import finish, train, use_one_thread
from matey_core.errors import MateyError, RunError
from matey_core.processes import Processes
from matey_core.progress import OnProgress, Progress

OnSeed = Callable[[], object]


def carry_out(
    tasks: Sequence[Task],
    log: CellLog,
    *,
    title: str,
    jobs: int,
    on_progress: OnProgress,
    on_seed: OnSeed,
) -> None:
    """Finish all cells that the log does not have yet.

    Args:
        tasks: all cells, those of one seed before those of the next.
        log: what is finished; every finished cell is added.
        title: of the study, for progress.
        jobs: processes that work side by side, a thread each; with 1, this one works.
        on_progress: called after steps, or after cells where there are several processes.
        on_seed: is called whenever all cells of a seed are finished.

    Raises:
        ConfigError, ShapeError, DataError: a cell cannot work; its name is in the text.
        RunError: the disk is full, or a process was killed.
    """
    cells = list({task.cell.key: task for task in tasks}.values())
    waiting = [task for task in cells if task.cell.key not in log.results]
    if jobs == 1:
        _one_by_one(waiting, cells, log, on_progress, on_seed)
    else:
        _Pool(waiting, log, title, on_progress, on_seed).work(jobs, total=len(cells))


def _one_by_one(
    waiting: Sequence[Task],
    cells: Sequence[Task],
    log: CellLog,
    on_progress: OnProgress,
    on_seed: OnSeed,
) -> None:
    numbers = {task.cell.key: number for number, task in enumerate(cells, start=1)}
    for index, task in enumerate(waiting):
        label = f"cell {numbers[task.cell.key]}/{len(cells)} · {_name(task)}"
        under = _under(label, on_progress)
        with _Named(task):
            if not _can_finish(task, log):
                log.add_training(task.cell.first, train(task.cell.pretraining, under))
            log.add(task, finish(task.cell, log.trainings.get(task.cell.first), under))
        if index + 1 < len(waiting) and waiting[index + 1].point.seed != task.point.seed:
            on_seed()


class _Pool:
    """Cells in processes; a pretraining that several need is made once, before them."""

    def __init__(
        self,
        waiting: Sequence[Task],
        log: CellLog,
        title: str,
        on_progress: OnProgress,
        on_seed: OnSeed,
    ) -> None:
        self.waiting = list(waiting)
        self.log = log
        self.title = title
        self.on_progress = on_progress
        self.on_seed = on_seed
        self.running: dict[Future[Any], tuple[Task, bool]] = {}

    def work(self, jobs: int, *, total: int) -> None:
        with Processes(jobs, use_one_thread) as processes:
            try:
                while self.waiting or self.running:
                    self._fill(processes, jobs)
                    self._tell(total)
                    for future in wait(self.running, return_when=FIRST_COMPLETED).done:
                        self._take(future)
            except BrokenProcessPool as error:
                raise RunError(
                    "A process that trained was killed, as happens when memory is full.",
                    remedy="Run the same command again with fewer --jobs.",
                ) from error
            except BaseException:
                processes.kill()
                raise

    def _fill(self, processes: Processes, jobs: int) -> None:
        """Give every idle process the first thing that can be done."""
        for task in list(self.waiting):
            if len(self.running) >= jobs:
                return
            if _can_finish(task, self.log):
                first = self.log.trainings.get(task.cell.first)
                self.waiting.remove(task)
                self.running[processes.submit(finish, task.cell, first)] = task, True
            elif task.cell.first not in {each.cell.first for each, _ in self.running.values()}:
                self.running[processes.submit(train, task.cell.pretraining)] = task, False

    def _take(self, future: "Future[Any]") -> None:
        task, is_cell = self.running.pop(future)
        with _Named(task):
            found = future.result()
        if not is_cell:
            self.log.add_training(task.cell.first, found)
            return
        self.log.add(task, found)
        left = {each.point.seed for each in [*self.waiting, *self._cells()]}
        if left and task.point.seed not in left:
            self.on_seed()

    def _tell(self, total: int) -> None:
        done = total - len(self.waiting) - len(self._cells())
        self.on_progress(Progress(task=self.title, done=done, total=total, unit="cells"))

    def _cells(self) -> list[Task]:
        """Those that are being finished."""
        return [task for task, is_cell in self.running.values() if is_cell]


def _can_finish(task: Task, log: CellLog) -> bool:
    """Whether what it starts from is there."""
    return not task.cell.first or task.cell.first in log.trainings


class _Named:
    """Says which cell a mistake is of."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, MateyError):
            error.args = (f"{_name(self.task)}: {error.args[0]}", *error.args[1:])


def _name(task: Task) -> str:
    places = [f"{axis.rpartition('.')[2]} {value}" for axis, value in task.point.at.items()]
    return " · ".join([task.point.arm, *places, f"seed {task.point.seed}"])


def _under(label: str, on_progress: OnProgress) -> OnProgress:
    """Report training under another name."""
    return lambda progress: on_progress(replace(progress, task=label))
