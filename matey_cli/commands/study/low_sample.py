"""Compare fine-tuning and training from scratch with few samples."""

import json
from pathlib import Path
from typing import Annotated

import typer

from matey_cli.commands.study._running import RunOptions, run_file, with_run_options
from matey_core.errors import ConfigError, DataError


@with_run_options
def low_sample(
    how: RunOptions,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Folder of stores to pretrain a model on, in place of --from.",
            show_default=False,
        ),
    ] = None,
    new: Annotated[
        str | None,
        typer.Option(
            metavar="PATH",
            help="Folder of stores to fine-tune and test on.  [default: two simulated tasks]",
            show_default=False,
        ),
    ] = None,
    source: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="RUN",
            help="Run or model to start from.  [default: matey-tiny]",
            show_default=False,
        ),
    ] = None,
) -> None:
    r"""Compare fine-tuning and training from scratch with few samples.

    A model is fine-tuned with 1, 2, 4, 8 and 16 trajectories: all weights, adapters, or
    the head. Beside it stand the same model without training, new models from scratch for
    the same time, and forecasts by least squares. Smaller choices of trajectories are part
    of larger ones. The report compares errors on test data. The study's file is
    low-sample.toml.

    \b
      matey study low-sample --plan
      matey study low-sample --from runs/mine --new ./new
      matey study low-sample --data ./data --new ./new --jobs 2
      matey study low-sample --set budget.seconds=60
    """
    if data and source:
        raise ConfigError(
            "--data trains a model to start from, and --from names one.", remedy="Give one of them."
        )
    settings = {
        "pretraining.data": data,
        "finetuning.source": "" if data else source,
        "axes.finetuning.data": [new] if new else None,
    }
    given = [f"{path}={json.dumps(each)}" for path, each in settings.items() if each is not None]
    try:
        run_file(Path("low-sample"), how, given=given)
    except DataError as error:
        problem = str(error).replace("pretraining.data", "--data")
        problem = problem.replace("finetuning.data", "--new")
        raise DataError(
            problem,
            remedy="Name folders of stores with --data and --new; `matey prepare` makes stores.",
        ) from error
