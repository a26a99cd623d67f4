"""Adapt a trained model to new stores, or to few samples."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import torch

from matey_core.config import validate
from matey_core.distributed import Strategy
from matey_core.errors import ConfigError
from matey_core.fields import GivenScale
from matey_core.finetuning import borrow, check_merged, lenders, news
from matey_core.models import Model, adaptive, adaptive_config
from matey_core.progress import OnProgress, silent
from matey_core.reports import reported
from matey_core.runs.capabilities import check_augmentations, check_capabilities
from matey_core.runs.creation import create_run
from matey_core.runs.fit import TrainingReport, fit
from matey_core.runs.folder import FinetuneStart, RunFolder
from matey_core.runs.job import TrainingJob
from matey_core.runs.resuming import resumable_run
from matey_core.runs.scores import OnValidation, ignore_validation
from matey_core.runs.sources import StoreWindows, axis_counts, field_names, given_scales
from matey_core.runs.start import OnStart, ignore_start, store_facts
from matey_core.runs.status import OnStep, ignore_step
from matey_core.runs.token_plan import TokenPlan, plan_tokens
from matey_core.runs.upgrade import upgraded_run
from matey_core.workflows.finetune.plan import FinetunePlan, plan_again, plan_finetuning
from matey_core.workflows.finetune.settings import FinetuneConfig

__all__ = ["FinetuneConfig", "finetune", "resume", "run_config"]


def finetune(
    config: FinetuneConfig,
    on_progress: OnProgress = silent,
    *,
    on_start: OnStart = ignore_start,
    on_validation: OnValidation = ignore_validation,
    on_step: OnStep = ignore_step,
) -> TrainingReport:
    """Train a copy of a trained model further, in a run of its own.

    Fields and numbers of axes that the model does not know are added; every old weight
    is kept.

    Args:
        config: settings.
        on_progress: is called after every step.
        on_start: is called once, before the first step, with what will be done.
        on_validation: is called after every validation.
        on_step: is called after every step, with all figures.

    Raises:
        CheckpointError: there is no model to start from.
        DataError: there is nothing to train on.
        ConfigError: settings cannot work.
        RunError: training diverged, or the disk is full.
    """
    plan = plan_finetuning(config)
    make = partial(_job, plan, folder=None)
    trained = fit(
        plan.config,
        make,
        on_progress=on_progress,
        on_start=on_start,
        on_validation=on_validation,
        on_step=on_step,
    )
    return reported(trained)


def resume(
    runs: Path,
    name: str | None = None,
    on_progress: OnProgress = silent,
    *,
    sequence_parallel: int | None = None,
    data: Path | None = None,
    steps: int | None = None,
    minutes: float | None = None,
    max_hours: float | None = None,
    on_start: OnStart = ignore_start,
    on_validation: OnValidation = ignore_validation,
    on_step: OnStep = ignore_step,
) -> TrainingReport:
    """Continue a fine-tuning from its last checkpoint, with its own settings and stores.

    The run it started from is not needed any more.

    Args:
        runs: folder of runs.
        name: the run; without it, the newest fine-tuning that has a checkpoint.
        on_progress: is called after every step.
        sequence_parallel: how many processes share every sample; by default as many as before.
        data: where the stores are, which is needed for those in object storage.
        steps: of the whole training, if it shall be longer than it was to be.
        minutes: likewise.
        max_hours: that this start may take; by default as many as the one before.
        on_start: is called once, before the first step, with what will be done.
        on_validation: is called after every validation.
        on_step: is called after every step, with all figures.

    Raises:
        ConfigError: the training would become shorter.
        CheckpointError: there is no such run, it is complete, or it does not fit its data.
    """
    run, config = resumable_run(
        runs,
        name,
        verb="finetune",
        read=run_config,
        sequence_parallel=sequence_parallel,
        steps=steps,
        minutes=minutes,
        max_hours=max_hours,
    )
    plan = plan_again(run, config, data) if run.has_begun else plan_finetuning(config)
    make = partial(_job, plan, folder=run)
    trained = fit(
        plan.config,
        make,
        on_progress=on_progress,
        on_start=on_start,
        on_validation=on_validation,
        on_step=on_step,
    )
    return reported(trained)


def run_config(run: RunFolder) -> FinetuneConfig:
    """Read the settings of a fine-tuning."""
    values = upgraded_run(FinetuneConfig, run.config)
    return validate(FinetuneConfig, values, source=str(run.config))


def _job(plan: FinetunePlan, strategy: Strategy, *, folder: RunFolder | None) -> TrainingJob:
    if strategy.is_sharded:
        raise ConfigError(
            "strategy is fsdp, which serves pretraining only.",
            remedy="Set strategy=ddp, or leave it out.",
        )
    resumes = folder is not None and folder.has_begun
    config, specs = plan.config, [source.store.spec for source in plan.sources]
    torch.manual_seed(config.seed)
    model = plan.begin()
    start = FinetuneStart(
        fields=model.fields,
        num_axes=model.num_axes,
        stores=plan.own_records(),
        base_sha256=plan.base.sha256 if plan.base else None,
        given=dict(model.given_scales),
    )
    notes = [*plan.notes, *news(model, specs, borrows=config.borrow)]
    model = _prepared(model, config, plan.sources)
    config, tokens = _planned(plan, model, strategy)
    check_capabilities(config, model, tokens, plan.sources, strategy)
    if not resumes:
        check_augmentations(config, plan.sources)
    facts = store_facts(model, plan.sources, tokens)
    run = folder
    if strategy.place.is_first and not resumes:
        run = folder or create_run(config.runs, config, kind="finetune", name=config.name)
        run.record_stores(plan.records())
        run.record_start(start)
    path = strategy.broadcast(str(run.path) if run else None)
    return TrainingJob(
        task="finetune",
        config=config,
        model=model,
        sources=plan.sources,
        tokens=tokens,
        facts=facts,
        notes=notes,
        run=RunFolder(Path(path)),
        mode=config.finetune,
        base=plan.base,
        resumes=resumes,
        ranges=plan.ranges,
        validates_start=not config.from_scratch or not config.steps,
    )


def _planned(
    plan: FinetunePlan, model: Model, strategy: Strategy
) -> tuple[FinetuneConfig, TokenPlan]:
    """Let the model cut fields as the budget says, and write that into the settings."""
    config = plan.config
    if config.tokens is not None:
        cutting = adaptive(model, what="A budget of tokens")
        cutting.retokenize(cutting.config.tokenization.with_tokens(config.tokens))
    tokens = plan_tokens(
        config,
        model.config,
        plan.sources,
        strategy,
        make=lambda: _prepared(plan.begin(), config, plan.sources),
    )
    if tokens.model != model.config:
        chosen = adaptive_config(tokens.model, what="A budget").tokenization
        adaptive(model, what="A budget").retokenize(chosen)
        update = {"tokens": chosen.tokens, "flops": None, "seconds": None}
        config = config.model_copy(update=update)
    return config, tokens


def _prepared(model: Model, config: FinetuneConfig, sources: Sequence[StoreWindows]) -> Model:
    """Teach the model what is new and freeze parts of it, or make another one like it."""
    stores = [source.store for source in sources]
    known = {name: value.shape for name, value in model.named_parameters()}
    lent = lenders(model, [store.spec for store in stores]) if config.borrow else {}
    model.extend(fields=field_names(stores, config.objective), num_axes=axis_counts(stores))
    borrow(model, lent)
    optional = {name: GivenScale(is_required=False) for name in model.given_scales}
    model.give(optional | given_scales(config, sources))
    if config.from_scratch:
        fresh = model.config.build(fields=model.fields, num_axes=model.num_axes)
        fresh.give(model.given_scales)
        model, new = fresh, []
    else:
        new = [value for name, value in model.named_parameters() if known.get(name) != value.shape]
    expected = {name: value.shape for name, value in model.state_dict().items()}
    config.finetune.prepare(model)
    check_merged(config.finetune, model, expected)
    for parameter in new:  # it has never been trained: no mode may freeze it
        parameter.requires_grad_(True)
    if not any(parameter.requires_grad for parameter in model.parameters()):
        raise ConfigError(
            f"finetune.mode={config.finetune.mode} with these settings trains nothing.",
            remedy="Give a part of the model a rate above 0, or choose another --mode.",
        )
    return model
