"""Run a study from a TOML file: train, test and compare arms."""

from pathlib import Path
from typing import Annotated

import typer

from matey_cli.commands.study._running import RunOptions, run_file, with_run_options
from matey_cli.options import study_names


@with_run_options
def run(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="TOML file of a study, or the name of one that comes with matey.",
            autocompletion=study_names,
        ),
    ],
    how: RunOptions,
) -> None:
    r"""Run a study from a TOML file: train, test and compare arms.

    All settings are checked first, the time of a step is measured, and the plan is
    printed. The report, in OUT, has figures with intervals, a picture, and a verdict on
    every claim of the file. The same command continues a study that was stopped. The
    exit code is 1 if a required claim does not hold.

    \b
      matey study run my-study.toml --plan
      matey study run my-study.toml --jobs 2
      matey study run low-sample --set finetuning.data=./new
    """
    run_file(file, how)
