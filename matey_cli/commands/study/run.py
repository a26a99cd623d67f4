"""Run a study: train, test and compare what a TOML file names."""

from pathlib import Path
from typing import Annotated

import typer

from matey_cli.commands.study._running import Jobs, Out, Plan, RunsFolder, StudySettings, run_file


def run(
    file: Annotated[
        Path, typer.Argument(help="A study's TOML file, or the name of one that matey brings.")
    ],
    jobs: Jobs = 1,
    out: Out = None,
    plan: Plan = False,
    assignments: StudySettings = None,
    runs: RunsFolder = None,
) -> None:
    r"""Run a study: train, test and compare what a TOML file names.

    All settings are checked first, the time of a step is measured, and the plan
    is printed. The report, in OUT, has figures with intervals, a picture, and what
    holds of all that the file claims. A study that was stopped goes on with the
    same command. The exit code is 1 where a required claim does not hold.

    \b
      matey study run my-study.toml --plan
      matey study run my-study.toml --jobs 2
      matey study run low-sample --set finetuning.data=./new
    """
    run_file(file, jobs=jobs, out=out, only_plan=plan, assignments=assignments, runs=runs)
