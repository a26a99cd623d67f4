"""Compare fine-tuning and training from scratch with few samples."""

import json
from pathlib import Path
from typing import Annotated

import typer

from matey_cli.commands.study._running import RunOptions, run_file, with_run_options
from matey_core.errors import DataError


@with_run_options
def low_sample(
    how: RunOptions,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Folder of stores to pretrain on.  [default: data]",
            show_default=False,
        ),
    ] = None,
    new: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Folder of stores to fine-tune and test on, other than --data.  [default: new]",
            show_default=False,
        ),
    ] = None,
) -> None:
    r"""Compare fine-tuning and training from scratch with few samples.

    A model is pretrained once. Then it is fine-tuned with 1, 2, 4 and 8 trajectories in
    three ways: all weights, all except attention, and a new model from scratch. Smaller
    choices of trajectories are part of larger ones. Every way has three seeds and three
    learning rates, of which the best one on validation data counts. The report compares
    errors on test data. The study's file is low-sample.toml.

    \b
      matey study low-sample --data ./data --new ./new --plan
      matey study low-sample --set pretraining.model.preset=s --jobs 2
      matey study low-sample --set axes.n_samples=[1,4] --set finetuning.steps=100
    """
    sections = {"pretraining": data, "finetuning": new}
    given = [f"{stage}.data={json.dumps(text)}" for stage, text in sections.items() if text]
    try:
        run_file(Path("low-sample"), how, given=given)
    except DataError as error:
        problem = str(error).replace("pretraining.data", "--data")
        problem = problem.replace("finetuning.data", "--new")
        raise DataError(
            problem,
            remedy="Name folders of stores with --data and --new; `matey prepare` makes stores.",
        ) from error
