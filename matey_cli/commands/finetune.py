"""Adapt a trained model to new stores, or to few samples."""

from pathlib import Path
from typing import Annotated

import typer

from matey_cli.commands._resuming import go_on
from matey_cli.commands._training import (
    TRAINING,
    Assignments,
    Processes,
    Resume,
    train,
)
from matey_cli.options import Given, from_settings, one_of, option, options, run_names


@from_settings(
    "matey_core.workflows.finetune.settings:FinetuneConfig",
    option("source", complete=run_names),
    option("--data"),
    option("--n-samples", default="all"),
    option("--mode", "finetune.mode"),
    option(
        "--freeze-attention",
        "finetune.mode",
        value="frozen_attention",
        help="The same as --mode frozen_attention.",
    ),
    *options("--from-scratch --leads --minutes --steps --tokens"),
    *TRAINING,
    option("--name", default="finetune-001, …"),
    option("--runs"),
    is_layered=True,
)
def finetune(
    given: Given,
    nproc: Processes = None,
    resume: Resume = False,
    config: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="TOML file with settings; options override it."),
    ] = None,
    assignments: Assignments = None,
) -> None:
    r"""Adapt a trained model to new stores, or to few samples.

    The model is copied into a new run; the old run does not change. Fields that are new
    to the model get new embeddings, and the embeddings of its old fields are copied.
    The numbers of trained and frozen parameters are printed. --resume continues a run
    that was stopped.

    \b
      matey finetune --freeze-attention --n-samples 8
      matey finetune --minutes 2
      matey finetune --n-samples 8 --from-scratch
      matey finetune --mode lora --set finetune.rank=16
      matey finetune pretrain-001 --data ./other --steps 1000
      matey finetune --resume
      matey finetune --resume --steps 1000
    """
    one_of(given, "the length of the training", minutes="minutes", steps="steps")
    one_of(given, "the number of tokens", tokens="tokens", flops="flops", seconds="seconds")
    if resume:
        go_on("finetune", given, config, assignments, nproc)
    else:
        from matey_core.workflows.finetune import FinetuneConfig

        train("finetune", FinetuneConfig, given, config, assignments, nproc)
