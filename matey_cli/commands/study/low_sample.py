"""Fine-tune with few samples: all of a model, a part of it, or from scratch."""

import json
from pathlib import Path
from typing import Annotated

import typer

from matey_cli.commands.study._running import Jobs, Out, Plan, RunsFolder, StudySettings, run_file


def low_sample(
    data: Annotated[
        str | None,
        typer.Option(help="Stores to pretrain on, once.  [default: data]", show_default=False),
    ] = None,
    new: Annotated[
        str | None,
        typer.Option(
            help="Stores to fine-tune and test on, others than those.  [default: new]",
            show_default=False,
        ),
    ] = None,
    jobs: Jobs = 1,
    out: Out = None,
    plan: Plan = False,
    assignments: StudySettings = None,
    runs: RunsFolder = None,
) -> None:
    r"""Fine-tune with few samples: all of a model, a part of it, or from scratch.

    A model is pretrained once. Then it is fine-tuned with 1, 2, 4 and 8
    trajectories, the fewer a part of the more: all of it, all but attention, and
    a new one like it from scratch; each with three learning rates, of which the
    best on validation data counts, and with three seeds. The report says what
    pretraining is worth on test data. It is the study's file low-sample.toml.

    \b
      matey study low-sample --data ./data --new ./new --plan
      matey study low-sample --set pretraining.model.preset=s --jobs 2
      matey study low-sample --set axes.n_samples=[1,4] --set finetuning.steps=100
    """
    sections = {"pretraining": data, "finetuning": new}
    given = [f"{stage}.data={json.dumps(text)}" for stage, text in sections.items() if text]
    run_file(
        Path("low-sample"),
        jobs=jobs,
        out=out,
        only_plan=plan,
        assignments=[*given, *(assignments or [])],
        runs=runs,
    )
