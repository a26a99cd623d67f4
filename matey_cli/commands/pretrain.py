"""Train one model on all stores at once."""

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
    History,
    MaxLead,
    MixExponent,
    PrecisionName,
    Preset,
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


def pretrain(
    data: Annotated[
        str | None,
        typer.Option(help="Folder or s3://… of the stores.  [default: data]", show_default=False),
    ] = None,
    preset: Preset = None,
    scheme: Annotated[
        str | None, typer.Option(help="Attention: full, factorized or axial.  [default: full]")
    ] = None,
    tokenizer: Annotated[
        str | None, typer.Option(help="uniform, adap_mix or adap_mul.  [default: adap_mix]")
    ] = None,
    history: History = None,
    max_lead: MaxLead = None,
    steps: Annotated[
        int | None, typer.Option(min=1, help="Optimizer steps.  [default: 400]")
    ] = None,
    tokens: Tokens = None,
    flops: Flops = None,
    seconds: Seconds = None,
    tokens_range: TokensRange = None,
    compiled: Compile = False,
    batch_size: BatchSize = None,
    learning_rate: Annotated[
        float | None, typer.Option(help="Largest learning rate.  [default: 0.001]")
    ] = None,
    loss: Annotated[
        str | None, typer.Option(help="What an error is: nrmse or relative_mse.  [default: nrmse]")
    ] = None,
    objective: Annotated[
        str | None, typer.Option(help="How the model is called for it.  [default: one_step]")
    ] = None,
    augment: Augment = None,
    weights: Weights = None,
    mix_exponent: MixExponent = None,
    workers: Workers = None,
    seed: Annotated[
        int | None, typer.Option(min=0, help="Decides weights and batches.  [default: 0]")
    ] = None,
    precision: PrecisionName = None,
    device: DeviceName = None,
    nproc: Processes = None,
    sequence_parallel: Sharing = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the newest run, or the one with --name.")
    ] = False,
    name: Annotated[
        str | None, typer.Option(help="Name of the run.  [default: pretrain-001, …]")
    ] = None,
    runs: RunsFolder = None,
    config: SettingsFile = None,
    assignments: Assignments = None,
) -> None:
    r"""Train one model on all stores at once.

    Every step takes a batch from one store, more often from one with more windows;
    --weights and --mix-exponent change that. Fields are matched by name. Before the
    first step the model's parameters and the tokens of a frame of each store are
    printed. The model is validated now and then beside persistence, which repeats
    the last known frame; the best weights are in RUN/model, and a run that was
    stopped goes on with --resume.

    \b
      matey pretrain
      matey pretrain --preset s --steps 20000 --batch-size 32
      matey pretrain --nproc 2
      matey pretrain --nproc 4 --sequence-parallel 2
      matey pretrain --data s3://bucket/stores --weights 2D_rdb_NA_NA=2
      matey pretrain --set model.tokenizer.tokens=128 --set model.drop_path=0.1
      matey pretrain --resume
    """
    one_budget(tokens=tokens, flops=flops, seconds=seconds)
    options: dict[str, Any] = {
        "data": data,
        "model.preset": preset,
        "model.scheme": scheme,
        "model.tokenizer.name": tokenizer,
        "history": history,
        "max_lead": max_lead,
        "steps": steps,
        "model.tokenizer.tokens": tokens,
        "flops": number(flops),
        "seconds": seconds,
        "tokens_range": sizes(tokens_range, example="100,400"),
        "compile": compiled or None,
        "batch_size": batch_size,
        "optimizer.learning_rate": learning_rate,
        "loss.name": loss,
        "objective.name": objective,
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
        go_on("pretrain", runs, name, others, nproc=nproc, sequence_parallel=sequence_parallel)
        return
    options |= {"sequence_parallel": sequence_parallel, "runs": runs, "name": name}
    _pretrain(options, config, assignments, nproc)


def _pretrain(
    options: dict[str, Any], file: Path | None, assignments: list[str] | None, nproc: int | None
) -> None:
    from matey_core.config import validate
    from matey_core.runs.project import project
    from matey_core.workflows.pretrain import PretrainConfig
    from matey_core.workflows.pretrain import pretrain as run

    here = project()
    defaults = {"data": here.data, "runs": here.runs, "model.preset": here.preset}
    values = settings(PretrainConfig, defaults, file, options, assignments)
    config = validate(PretrainConfig, values, source=str(file) if file else "settings")
    spread(nproc, config)
    with advice("pretrain"), render.progress() as on_progress:
        report = run(config, on_progress, on_start=show_start)
    if is_first() and not render.emit(report):
        show_report(report)
