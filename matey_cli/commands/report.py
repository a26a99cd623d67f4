"""Write a run's report: curves, scores and pictures."""

from pathlib import Path
from typing import Annotated

import typer

from matey_cli import render
from matey_cli.commands.runs import Runs
from matey_cli.next_step import name_next
from matey_cli.options import run_names


def report(
    run: Annotated[
        str | None,
        typer.Argument(
            metavar="RUN",
            help="A run, by name or path.  [default: the newest run]",
            autocompletion=run_names,
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH", help="The file.  [default: RUN/report.html]", show_default=False
        ),
    ] = None,
    runs: Runs = None,
) -> None:
    r"""Write a run's report: curves, scores and pictures.

    RUN/report.html is written at the end of every training as well, and anew after every
    rollout. It is one file that needs nothing else. It shows losses and validations of
    each store, and scores beside the training-free forecasts. It has pictures of the last
    rollout, and the cells of a model with tokens. It lists data with fingerprints, settings,
    versions and the command. It can be written while the run goes on.

    \b
      matey report
      matey report pretrain-001 --out /tmp/pretrain-001.html
    """
    from matey_core.catalog import find_run, list_runs
    from matey_core.errors import CheckpointError
    from matey_core.reports import write_report
    from matey_core.runs.project import project

    folder = runs or project().runs
    found = list_runs(folder).runs[0].path if run is None else find_run(run, runs=folder)
    if found is None:
        raise CheckpointError(
            f"{run} is no run.", remedy="`matey runs` lists the runs; their names will do."
        )
    path = write_report(found, to=out)
    if not render.emit({"run": found, "report": path}):
        render.facts(f"Wrote {path}", size=render.size(path.stat().st_size))
        if (found / "scores.json").exists():
            name_next("runs", runs=folder)
        else:
            name_next("rollout", found.name, runs=folder)
