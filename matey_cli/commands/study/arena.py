"""Compare models on one data set after another, at equal seconds."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matey_cli import render
from matey_cli.commands.study._running import Jobs, Out, Plan, RunsFolder, StudySettings, run_file

if TYPE_CHECKING:
    from matey_core.studies.arena.report import ArenaReport


def arena(
    data: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Folder of stores, or one store.  [default: nine data sets, simulated into "
            "data/arena]",
            show_default=False,
        ),
    ] = None,
    store: Annotated[
        list[str] | None,
        typer.Option(
            metavar="TEXT",
            help="Name of a store, or of a simulated data set; may be repeated; by default all.",
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="Training time of every model, in CPU seconds over all threads, or GPU seconds.  "
            "[default: 120]",
            show_default=False,
        ),
    ] = None,
    seeds: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="INTEGER", help="Number of seeds.  [default: 3]", show_default=False
        ),
    ] = None,
    jobs: Jobs = 1,
    out: Out = None,
    plan: Plan = False,
    assignments: StudySettings = None,
    runs: RunsFolder = None,
) -> None:
    r"""Compare models on one data set after another, at equal seconds.

    Every model is trained on every data set alone. Its learning rate is chosen on
    validation data, each tried for a third of the time; then every seed trains for the
    whole time. The tables have errors on test data one step ahead and along a rollout,
    the number of frames until the error passes half of the field's spread in space, and
    what a step costs. Training-free forecasts stand in every table; a model's number is
    marked (‡) where the best of them has a better one. The same command continues an
    arena that was stopped. The study's file is arena.toml.

    \b
      matey study arena --data ./data --seconds 60
      matey study arena --plan
      matey study arena --store turbulence --store thermals
      matey study arena --set arms.unet.settings.model.width=32
    """
    given = {"data": data, "store": store or None, "seconds": seconds, "seeds": seeds}
    layers = [f"{key}={json.dumps(value)}" for key, value in given.items() if value is not None]
    run_file(
        Path("arena"),
        jobs=jobs,
        out=out,
        only_plan=plan,
        assignments=[*layers, *(assignments or [])],
        runs=runs,
    )


def show(report: "ArenaReport") -> None:
    """Print tables, advice and notes."""
    from matey_core.studies.arena.text import (
        advice,
        caption,
        columns_of,
        overall_columns,
        overall_rows,
        rows_of,
    )

    for table in report.tables:
        render.table(
            table.data,
            columns_of(table, report, short=True),
            rows_of(table, short=True),
            caption=caption(table, report),
        )
    if len(report.tables) > 1:
        render.table(
            "all data sets: error over that of the best training-free forecast",
            overall_columns(report),
            overall_rows(report),
            caption="Geometric means over data sets.",
        )
    for table in report.tables:
        render.heading(advice(table))
    for note in report.notes:
        render.note(note)
    render.facts(f"Wrote {report.out / 'report.md'}")
