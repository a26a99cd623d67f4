"""Train one model on all stores."""

from functools import partial
from operator import methodcaller
from pathlib import Path

import torch
from pydantic import Field, PositiveInt

from matey_core.config import validate
from matey_core.distributed import Strategy
from matey_core.locations import Location
from matey_core.models import ModelConfig
from matey_core.progress import OnProgress, silent
from matey_core.reports import reported
from matey_core.runs.capabilities import check_augmentations, check_capabilities
from matey_core.runs.creation import create_run
from matey_core.runs.fit import TrainingReport, fit
from matey_core.runs.folder import RunFolder, record_of
from matey_core.runs.job import TrainingJob
from matey_core.runs.resuming import resumable_run
from matey_core.runs.scores import OnValidation, ignore_validation
from matey_core.runs.settings import TrainingConfig
from matey_core.runs.sizes import fitting_size, may_be_chosen
from matey_core.runs.sources import (
    axis_counts,
    completed,
    field_names,
    given_scales,
    open_stores,
    reopen_stores,
    sources_of,
)
from matey_core.runs.start import OnStart, ignore_start, store_facts
from matey_core.runs.status import OnStep, ignore_step
from matey_core.runs.token_plan import plan_tokens
from matey_core.runs.upgrade import upgraded_run
from matey_core.store import Store


class PretrainConfig(TrainingConfig):
    """What to pretrain, on what and how."""

    data: Location = Path("data")
    """Folder or `s3://…` URL whose stores lie in it or in its folder `zarr`; or one store."""
    model: ModelConfig = Field(default_factory=ModelConfig.standard)
    history: PositiveInt = 4
    """Number of past frames that the model reads."""
    max_lead: PositiveInt = 2
    """Largest lead time, in stored frames; each sample draws a lead time from 1 to this."""


def pretrain(
    config: PretrainConfig,
    on_progress: OnProgress = silent,
    *,
    on_start: OnStart = ignore_start,
    on_validation: OnValidation = ignore_validation,
    on_step: OnStep = ignore_step,
) -> TrainingReport:
    """Train a new model on all stores of the data folder.

    Args:
        config: settings.
        on_progress: is called after every step.
        on_start: is called once, before the first step, with what will be done.
        on_validation: is called after every validation.
        on_step: is called after every step, with all figures.

    Raises:
        DataError: there is nothing to train on.
        ConfigError: settings cannot work.
        RunError: training diverged, or the disk is full.
    """
    make = partial(_job, config, open_stores(config.data), folder=None)
    trained = fit(
        config,
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
    """Continue a pretraining run from its last checkpoint, with its own settings and stores.

    Args:
        runs: folder of runs.
        name: the run; without it, the newest pretraining run that has a checkpoint.
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
        verb="pretrain",
        read=run_config,
        sequence_parallel=sequence_parallel,
        steps=steps,
        minutes=minutes,
        max_hours=max_hours,
    )
    stores = (
        reopen_stores(run.stores(), data) if run.has_begun else open_stores(data or config.data)
    )
    make = partial(_job, config, stores, folder=run)
    trained = fit(
        config,
        make,
        on_progress=on_progress,
        on_start=on_start,
        on_validation=on_validation,
        on_step=on_step,
    )
    return reported(trained)


def run_config(run: RunFolder) -> PretrainConfig:
    """Read the settings of a pretraining run."""
    values = upgraded_run(PretrainConfig, run.config)
    return validate(PretrainConfig, values, source=str(run.config))


def _job(
    config: PretrainConfig, stores: list[Store], strategy: Strategy, *, folder: RunFolder | None
) -> TrainingJob:
    resumes = folder is not None and folder.has_begun
    config = completed(config, stores)
    sources, notes = sources_of(
        stores,
        history=config.history,
        max_lead=config.max_lead,
        extra_frames=config.objective.extra_frames,
        choose=lambda store: store.samples("train"),
        given=config.given,
        reads=config.objective.reads,
        leads=config.leads,
    )
    used = [source.store for source in sources]
    fields, num_axes = field_names(used, config.objective), axis_counts(used)
    build = methodcaller("build", fields=fields, num_axes=num_axes)
    sized, size_reason = config.model, ""
    if folder is None and may_be_chosen(config, config.model):
        sized, size_reason = fitting_size(config, config.model, sources, strategy, build=build)
    tokens = plan_tokens(config, sized, sources, strategy, make=lambda: build(sized))
    config = config.model_copy(update={"model": tokens.model, "flops": None, "seconds": None})
    torch.manual_seed(config.seed)
    model = build(config.model)
    model.give(given_scales(config, sources))
    check_capabilities(config, model, tokens, sources, strategy)
    if not resumes:
        check_augmentations(config, sources)
    facts = store_facts(model, sources, tokens)
    run = folder
    if strategy.place.is_first and not resumes:
        run = folder or create_run(config.runs, config, kind="pretrain", name=config.name)
        run.record_stores([record_of(source.store, source.training.samples) for source in sources])
    path = strategy.broadcast(str(run.path) if run else None)
    return TrainingJob(
        task="pretrain",
        config=config,
        model=model,
        sources=sources,
        tokens=tokens,
        facts=facts,
        notes=notes,
        run=RunFolder(Path(path)),
        resumes=resumes,
        size_reason=size_reason,
    )
