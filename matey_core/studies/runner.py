"""The one runner of studies: plan, work off cells, report."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

from matey_core.cells import Fingerprints, Point, Task, cell_of
from matey_core.cells.log import CellLog
from matey_core.cells.schedule import carry_out
from matey_core.cells.trial import StepTimes
from matey_core.distributed import place_of_this_process
from matey_core.errors import ConfigError, DataError
from matey_core.locks import locked
from matey_core.progress import OnProgress, silent
from matey_core.studies.expansion import points_of
from matey_core.studies.judging import check_claims
from matey_core.studies.markdown import markdown
from matey_core.studies.plan import StudyPlan, plan_of
from matey_core.studies.plot import draw
from matey_core.studies.report import StudyReport, reference_of, report_of, write_report
from matey_core.studies.settings import StudyConfig
from matey_core.studies.simulated import simulate_missing
from matey_core.studies.stores import fingerprints, short_of, sourced, stores_of

OnPlan = Callable[[StudyPlan], bool]


def go_on(plan: StudyPlan) -> bool:
    """Agree to every plan: the default where nobody is asked."""
    return True


class Clock(Protocol):
    """Knows what a step takes."""

    @property
    def precision(self) -> str:
        """What `auto` means in all cells; known when all points were measured."""

    def measure(self, point: Point, on_progress: OnProgress) -> Mapping[str, float]:
        """Seconds of a step in each training of a cell, by stage."""


Publish = Callable[[StudyReport], None]


def publish(report: StudyReport) -> None:
    """Write the report as it is."""
    write_report(report, plot=report.plot, out=report.out, text=markdown(report), draw=draw)


def run_study(
    study: StudyConfig,
    *,
    out: Path,
    jobs: int = 1,
    on_progress: OnProgress = silent,
    on_plan: OnPlan = go_on,
    clock: Clock | None = None,
    publish: Publish = publish,
) -> StudyReport | None:
    """Train, test and compare all arms, and judge what is claimed.

    Finished cells are kept in `cells.jsonl`: a study that was stopped goes on where it was
    when it is started again with the same settings and folder. Whenever all cells of a seed
    are finished, the report is written anew.

    Args:
        study: what is varied, and how.
        out: folder of the study.
        jobs: processes side by side, a thread each.
        on_progress: called with the progress so far.
        on_plan: is asked once, before anything is trained in earnest, whether to go on.
        clock: knows what a step takes; by default a few are tried.
        publish: writes the report.

    Returns:
        The report; None if `on_plan` has declined.

    Raises:
        ConfigError: a setting that does not exist or cannot work, or several processes.
        DataError: no store, or one without trajectories for validation or test.
        CheckpointError: what an earlier run has left is damaged.
        RunError: the disk is full, a process was killed, or another works on the same study.
    """
    refuse_torchrun()
    points = points_of(study)
    check_claims(study.verdicts, points)
    simulate_missing(study, points, on_progress)
    check_stores(points)
    with locked(out, busy=f"Another process is working on the study in {out} just now."):
        return _run(study, points, out, jobs, on_progress, on_plan, clock, publish)


def _run(
    study: StudyConfig,
    points: Sequence[Point],
    out: Path,
    jobs: int,
    on_progress: OnProgress,
    on_plan: OnPlan,
    clock: Clock | None,
    publish: Publish,
) -> StudyReport | None:
    known = cache(fingerprints)
    clock = clock or StepTimes(out / "costs.json", known, cpu=study.budget.clock == "cpu")
    log = CellLog(out / "cells.jsonl")
    points = sourced(points, out / "runs")
    # Where hashes follow without them, times of cells that are finished are not measured.
    seconds: list[Mapping[str, float]] = [{} for _ in points]
    is_measured = is_measured_first(study, points)
    if is_measured:
        seconds = [clock.measure(point, on_progress) for point in points]
    tasks = tasks_of(
        study,
        points,
        seconds,
        precision=lambda _: clock.precision,
        runs=out / "runs",
        fingerprints=known,
    )
    times = {
        task.cell.key: each
        if is_measured or task.cell.key in log.results
        else clock.measure(task.point, on_progress)
        for task, each in zip(tasks, seconds, strict=True)
    }
    notes = short_of(points)
    if not on_plan(plan_of(tasks, log, times, out=out, jobs=jobs, notes=notes)):
        return None

    def report() -> StudyReport:
        found = report_of(study, tasks, log, out, notes=notes, jobs=jobs)
        publish(found)
        return found

    carry_out(tasks, log, title=study.name, jobs=jobs, on_progress=on_progress, on_seed=report)
    return report()


def tasks_of(
    study: StudyConfig,
    points: Sequence[Point],
    seconds: Sequence[Mapping[str, float]],
    *,
    precision: Callable[[Point], str],
    runs: Path,
    fingerprints: Fingerprints,
) -> list[Task]:
    """Give every point its steps, and so its cell.

    Args:
        study: has the budget.
        points: all combinations.
        seconds: for each of them, stage → seconds of a step.
        precision: what `auto` means.
        runs: folder of the study's runs.
        fingerprints: identify stores.
    """
    budget, reference = study.budget, reference_of(study)
    steps_of = {
        tuple(point.at.items()): _steps(budget.seconds, each[point.stage])
        for point, each in zip(points, seconds, strict=True)
        if point.arm == reference and point.stage in each and budget.seconds is not None
    }

    def task(point: Point, step: float) -> Task:
        if not point.compared.steps:
            steps = 0
        elif point.equal == "seconds":
            steps = _steps(budget.seconds or 0, step)
        else:
            asked = budget.steps or steps_of.get(tuple(point.at.items()))
            steps = asked or point.compared.steps
        return Task(
            point=point,
            cell=cell_of(
                point,
                steps=steps,
                precision=precision(point),
                runs=runs,
                fingerprints=fingerprints,
            ),
            amount=budget.seconds or 0 if point.equal == "seconds" else steps,
        )

    return [
        task(point, each.get(point.stage, math.inf))
        for point, each in zip(points, seconds, strict=True)
    ]


def is_measured_first(study: StudyConfig, points: Sequence[Point]) -> bool:
    """Whether the settings of cells depend on measured times, or on a measured precision."""
    trained = [point for point in points if point.forecast is None]
    is_auto = any(stage.precision == "auto" for point in trained for stage in point.stages.values())
    return is_auto or study.budget.seconds is not None


def _steps(seconds: float, step: float) -> int:
    return max(1, int(seconds / step))


def refuse_torchrun() -> None:
    """Refuse to be one of several processes.

    Raises:
        ConfigError: it is.
    """
    if place_of_this_process().size > 1:
        raise ConfigError(
            "A study starts its processes itself.",
            remedy="Start it without torchrun; --jobs sets the number of processes.",
        )


def check_stores(points: Sequence[Point]) -> None:
    """Refuse data without stores that can train, validate and test.

    Raises:
        DataError: there are such data.
    """
    for stage in ("pretraining", "finetuning"):
        configs = [point.stages[stage] for point in points if stage in point.stages]
        asked = {(c.data, c.history or 1) for c in configs if c.data is not None}
        for data, history in sorted(asked):
            try:
                stores_of(data, (), history=history)
            except DataError as error:
                raise DataError(f"{stage}.data: {error}", remedy=error.remedy) from error
