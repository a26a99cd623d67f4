"""List the runs, with their scores."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matey_cli import render
from matey_cli.commands._ratios import LEGEND, marked
from matey_cli.next_step import name_next

if TYPE_CHECKING:
    from matey_core.catalog import RunList, RunRecord

Runs = Annotated[
    Path | None,
    typer.Option(metavar="PATH", help="Folder of the runs.  [default: runs]", show_default=False),
]


def runs(runs: Runs = None) -> None:
    r"""List the runs, with their scores.

    The newest run comes first; other commands take it where no run is named. The score is
    that of the best validation: the error relative to that of the best training-free
    forecast, as a geometric mean over stores, leads and fields. The rollout column has
    the same ratio of the last `matey rollout`, on test trajectories.

    \b
      matey runs
      matey runs --runs ./elsewhere --json
    """
    from matey_core.catalog import list_runs
    from matey_core.runs.project import project

    report = list_runs(runs or project().runs)
    if not render.emit(report):
        _show(report)


def _show(report: "RunList") -> None:
    rows = [_row(run) for run in report.runs]
    render.table(
        f"Runs in {report.folder}, the newest first",
        ("run", "started (UTC)", "model", "steps", "score", "rollout", "size"),
        rows,
        caption="score, rollout: error relative to the best training-free forecast's, in "
        f"validation and on test trajectories.{LEGEND if '‡' in str(rows) else ''}",
    )
    for name, problem in report.damaged.items():
        render.note(f"{name} cannot be read: {problem}")
    names = [run.name for run in reversed(report.runs[:2])]
    where = report.folder if report.runs else None
    if len(names) == 2:
        name_next("compare", *names, runs=where)
    elif names:
        name_next("info", report.runs[0].path)


def _row(run: "RunRecord") -> tuple[object, ...]:
    return (
        run.name,
        run.started[:16].replace("T", " "),
        run.model.variant if run.model else None,
        run.steps,
        marked(run.score),
        marked(run.rollout_ratio),
        render.size(run.num_bytes),
    )
