"""Compare models on one data set after another, at equal seconds."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from matey_cli import render
from matey_cli.commands.study._running import RunOptions, run_file, with_run_options
from matey_cli.options import Given, from_settings, option, options, store_names

if TYPE_CHECKING:
    from matey_core.studies.arena.report import ArenaReport


@from_settings(
    "matey_core.studies.arena.settings:ArenaConfig",
    option(
        "--data",
        help="Folder of stores, or one store.",
        default="nine data sets, simulated into data/arena",
    ),
    option(
        "--store",
        repeats=True,
        complete=store_names,
        help="Name of a store, or of a simulated data set; may be repeated; by default all.",
    ),
    *options("--seconds --seeds"),
)
@with_run_options
def arena(given: Given, how: RunOptions) -> None:
    r"""Compare models on one data set after another, at equal seconds.

    Each training takes one model and one data set. Its learning rate is chosen on
    validation data, each tried for a third of the time; then every seed trains for the
    whole time. The tables have errors on test data one step ahead and along a rollout,
    and what a step costs. They also have the number of frames until the error passes half
    of the field's spread in space. Every table has training-free forecasts as well; ‡
    marks a model that is worse than the best of them. The same command continues an arena
    that was stopped. The study's file is arena.toml.

    \b
      matey study arena --data ./data --seconds 60
      matey study arena --plan
      matey study arena --store turbulence --store thermals
      matey study arena --set arms.unet.settings.model.width=32
    """
    settings = [f"{name}={json.dumps(value, default=str)}" for name, value in given.items()]
    run_file(Path("arena"), how, given=settings)


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
            caption="Geometric means over data sets. To models: over the best other model.",
        )
    for table in report.tables:
        render.heading(advice(table))
    for note in report.notes:
        render.note(note)
    render.facts(f"Wrote {report.out / 'report.md'}")
