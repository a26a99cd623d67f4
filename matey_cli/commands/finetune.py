"""Adapt a trained model to new stores, or to few samples."""

from pathlib import Path
from typing import Annotated, Any

import typer

from matey_cli import render
from matey_cli.commands._options import (
    Assignments,
    Augment,
    BatchSize,
    Compile,
    DeviceName,
    Flops,
    MixExponent,
    PrecisionName,
    Processes,
    RunsFolder,
    Seconds,
    SettingsFile,
    Sharing,
    Tokens,
    TokensRange,
    Weights,
    Workers,
    names,
    number,
    one_budget,
    shares,
    sizes,
)
from matey_cli.commands._training import (
    advice,
    go_on,
    is_first,
    settings,
    show_report,
    show_start,
    spread,
)
from matey_core.errors import ConfigError
from matey_core.registry import Registry

MODES = ", ".join(Registry("matey_core.finetuning").names())


def finetune(
    source: Annotated[
        Path | None,
        typer.Argument(
            help="Run or model directory, or the name of a run. Default: the newest pretraining.",
            show_default=False,
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            help="Folder or s3://… of stores, or one store.  [default: those in ./data that the "
            "model has not seen; all of them if it has seen them all]",
            show_default=False,
        ),
    ] = None,
    n_samples: Annotated[
        int | None,
        typer.Option(min=1, help="Training trajectories of each store.  [default: all]"),
    ] = None,
    mode: Annotated[
        str | None, typer.Option(help=f"What may change: {MODES}.  [default: full]")
    ] = None,
    freeze_attention: Annotated[
        bool,
        typer.Option("--freeze-attention", help="The same as --mode frozen_attention."),
    ] = False,
    from_scratch: Annotated[
        bool, typer.Option("--from-scratch", help="Start from new weights instead: the control.")
    ] = False,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Optimizer steps.  [default: 200]")
    ] = None,
    tokens: Tokens = None,
    flops: Flops = None,
    seconds: Seconds = None,
    tokens_range: TokensRange = None,
    compiled: Compile = False,
    batch_size: BatchSize = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Largest learning rate.  [default: 0.0005]")
    ] = None,
    augment: Augment = None,
    weights: Weights = None,
    mix_exponent: MixExponent = None,
    workers: Workers = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Decides samples and batches.  [default: 0]")
    ] = None,
    precision: PrecisionName = None,
    device: DeviceName = None,
    nproc: Processes = None,
    sequence_parallel: Sharing = None,
    resume: Annotated[
        bool,
        typer.Option("--resume", help="Continue the newest fine-tuning, or the one with --name."),
    ] = False,
    name: Annotated[
        str | None, typer.Option(help="Name of the run.  [default: finetune-001, …]")
    ] = None,
    runs: RunsFolder = None,
    config: SettingsFile = None,
    assignments: Assignments = None,
) -> None:
    r"""Adapt a trained model to new stores, or to few samples.

    The model is copied into a run of its own; the old one stays as it is. Fields
    that are new to it get embeddings of their own, and what it knows about the
    old ones is kept. Numbers of trained and frozen parameters are printed. A run
    that was stopped goes on with --resume.

    \b
      matey finetune --freeze-attention --n-samples 8
      matey finetune --n-samples 8 --from-scratch
      matey finetune --mode lora --set finetune.rank=16
      matey finetune pretrain-001 --data ./other --steps 1000
      matey finetune --resume
    """
    one_budget(tokens=tokens, flops=flops, seconds=seconds)
    options: dict[str, Any] = {
        "source": source,
        "data": data,
        "n_samples": n_samples,
        "finetune.mode": _mode(mode, freeze_attention),
        "from_scratch": from_scratch or None,
        "steps": steps,
        "tokens": tokens,
        "flops": number(flops),
        "seconds": seconds,
        "tokens_range": sizes(tokens_range, example="100,400"),
        "compile": compiled or None,
        "batch_size": batch_size,
        "optimizer.learning_rate": learning_rate,
        "augment": names(augment),
        "weights": shares(weights),
        "mix_exponent": mix_exponent,
        "workers": workers,
        "seed": seed,
        "precision": precision,
        "device": device,
    }
    if resume:
        others = {**options, "config": config, "set": assignments or None}
        go_on("finetune", runs, name, others, nproc=nproc, sequence_parallel=sequence_parallel)
        return
    options |= {"sequence_parallel": sequence_parallel, "runs": runs, "name": name}
    _finetune(options, config, assignments, nproc)


def _mode(mode: str | None, freeze_attention: bool) -> str | None:
    if not freeze_attention:
        return mode
    if mode not in (None, "frozen_attention"):
        raise ConfigError(
            f"--freeze-attention is --mode frozen_attention, and --mode is {mode}.",
            remedy="Give one of them.",
        )
    return "frozen_attention"


def _finetune(
    options: dict[str, Any], file: Path | None, assignments: list[str] | None, nproc: int | None
) -> None:
    from matey_core.config import validate
    from matey_core.runs.project import project
    from matey_core.workflows.finetune import FinetuneConfig
    from matey_core.workflows.finetune import finetune as run

    here = project()
    defaults = {"default_data": here.data, "runs": here.runs}
    values = settings(FinetuneConfig, defaults, file, options, assignments)
    config = validate(FinetuneConfig, values, source=str(file) if file else "settings")
    spread(nproc, config)
    with advice("finetune"), render.progress() as on_progress:
        report = run(config, on_progress, on_start=show_start)
    if is_first() and not render.emit(report):
        show_report(report)
