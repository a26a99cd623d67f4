"""The one runner of studies: plan, work off cells, report."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

from matey_core.distributed import place_of_this_process
from matey_core.errors import ConfigError
from matey_core.progress import OnProgress, Progress, silent
from matey_core.studies.cells import Point, Scalar, Task, cell_of
from matey_core.studies.expansion import points_of
from matey_core.studies.judging import check_claims
from matey_core.studies.log import CellLog
from matey_core.studies.markdown import markdown
from matey_core.studies.plan import StudyPlan, plan_of
from matey_core.studies.report import StudyReport, report_of, write_report
from matey_core.studies.schedule import carry_out
from matey_core.studies.settings import StudyConfig
from matey_core.studies.stores import fingerprints, stores_of
from matey_core.studies.trial import StepTimes

OnPlan = Callable[[StudyPlan], bool]


def go_on(plan: StudyPlan) -> bool:
    """Agree to every plan: the default where nobody is asked."""
    return True


def run_study(
    study: StudyConfig,
    *,
    out: Path,
    jobs: int = 1,
    on_progress: OnProgress = silent,
    on_plan: OnPlan = go_on,
) -> StudyReport | None:
    """Train, test and compare all arms, and judge what is claimed.

    Finished cells are kept in `cells.jsonl`: a study that was stopped goes on where it was
    when it is started again with the same settings and folder. Whenever all cells of a seed
    are finished, the report is written anew.

    Args:
        study: what is varied, and how.
        out: folder of the study.
        jobs: processes side by side, a thread each.
        on_progress: is told how far it is.
        on_plan: is asked once, before anything is trained in earnest, whether to go on.

    Returns:
        The report; None if `on_plan` has declined.

    Raises:
        ConfigError: a setting that does not exist or cannot work, or several processes.
        DataError: no store, or one without trajectories for validation or test.
        CheckpointError: what an earlier run has left is damaged.
        RunError: the disk is full, or a process was killed.
    """
    refuse_torchrun()
    points = points_of(study)
    check_claims(study.verdicts, points)
    check_stores(points)
    known = cache(fingerprints)
    times = StepTimes(out / "costs.json", known)

    def on_trial(what: str) -> None:
        on_progress(Progress(task=what, done=0, total=None))

    log = CellLog(out / "cells.jsonl")
    measured = [times.measure(point, on_trial) for point in points]
    times.clean_up()
    tasks, seconds = [], {}
    for point, steps in zip(points, measured, strict=True):
        for at, number in _budgets(study, point, steps):
            placed = replace(point, at={**point.at, **at})
            cell = cell_of(
                placed,
                steps=number,
                precision=times.precision,
                runs=out / "runs",
                fingerprints=known,
            )
            tasks.append(Task(point=placed, cell=cell))
            seconds[cell.key] = steps
    if not on_plan(plan_of(tasks, log, seconds, out=out, jobs=jobs)):
        return None

    def report() -> StudyReport:
        found = report_of(study, tasks, log, out)
        write_report(found, markdown=lambda: markdown(found), draw=lambda path: _draw(found, path))
        return found

    carry_out(
        tasks,
        log,
        title=study.name,
        jobs=jobs,
        on_progress=on_progress,
        on_seed=report,
    )
    return report()


def refuse_torchrun() -> None:
    """Refuse to be one of several processes.

    Raises:
        ConfigError: it is.
    """
    if place_of_this_process().size > 1:
        raise ConfigError(
            "A study starts its processes itself.",
            remedy="Start it without torchrun; --jobs has the number of processes.",
        )


def check_stores(points: Sequence[Point]) -> None:
    """Refuse data without stores that can train, validate and test.

    Raises:
        DataError: there are such data.
    """
    asked = {
        (config.data, config.history or 1)
        for point in points
        for config in (point.pretraining, point.finetuning)
        if config is not None and config.data is not None
    }
    for data, history in sorted(asked):
        stores_of(data, (), history=history)


def _budgets(
    study: StudyConfig, point: Point, seconds: Mapping[str, float]
) -> Iterator[tuple[dict[str, Scalar], int]]:
    """Places and numbers of steps of a point's cells, one for each kind of budget."""
    budget = study.budget
    for equal in budget.equal:
        at: dict[str, Scalar] = {"equal": equal} if len(budget.equal) > 1 else {}
        if equal == "steps":
            yield at, budget.steps or point.compared.steps
        else:
            assert budget.seconds is not None
            step = seconds["finetuning" if point.finetuning else "pretraining"]
            yield at, max(1, int(budget.seconds / step))


def _draw(report: StudyReport, path: Path) -> None:
    from matey_core.studies.plot import draw

    draw(report, path)
