"""Adapt a trained model to new stores, or to few samples."""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from pydantic import Field, PositiveInt, field_validator

from matey_core.config import read_toml, validate
from matey_core.distributed import Strategy
from matey_core.errors import CheckpointError
from matey_core.finetuning import FinetuneModeConfig, check_merged
from matey_core.locations import Location
from matey_core.models import AdapterBase, Model, adaptive, adaptive_config, load_model
from matey_core.optimizers import OptimizerConfig
from matey_core.progress import OnProgress, silent
from matey_core.runs.fit import TrainingJob, TrainingReport, fit
from matey_core.runs.folder import (
    FinetuneStart,
    RunFolder,
    StoreRecord,
    create_run,
    newest_run,
    record_of,
)
from matey_core.runs.processes import join_processes
from matey_core.runs.resuming import resumable_run
from matey_core.runs.settings import TrainingConfig
from matey_core.runs.sources import (
    Source,
    axis_counts,
    field_names,
    open_stores,
    reopen_stores,
    sources_of,
)
from matey_core.runs.start import OnStart, store_facts, unheard
from matey_core.runs.token_plan import settle
from matey_core.runs.trained import Trained, find_trained
from matey_core.runs.upgrade import upgraded
from matey_core.store import Store

MAX_LEAD = 4
"""Where neither the settings nor the run that the model is from say."""
LEARNING_RATE = 5e-4


class FinetuneConfig(TrainingConfig):
    """Which model, on what, and which of its parts."""

    source: Path | None = None
    """Run or model directory to start from; by default the newest pretraining run."""
    data: Location | None = None
    """Folder or `s3://…` of stores, or one store; by default the stores in ./data that the model
    has not seen, or all of them if it has seen them all."""
    default_data: Location = Path("data")
    """Where to look without `data`."""
    finetune: FinetuneModeConfig = Field(default_factory=FinetuneModeConfig.standard)
    """What may change."""
    n_samples: PositiveInt | None = None
    """Training trajectories of each store; a seeded choice, in which the smaller is part of the
    larger. By default all."""
    from_scratch: bool = False
    """Throw the trained weights away and train all of a new model: the control."""
    tokens: PositiveInt | None = None
    """Tokens of a frame, instead of the budget that the model was trained with."""
    history: PositiveInt | None = None
    """Frames that the model is given; by default as it was trained."""
    max_lead: PositiveInt | None = None
    """Largest lead time, in stored frames; by default as it was trained."""
    steps: PositiveInt = 200
    """Optimizer steps."""
    optimizer: OptimizerConfig = Field(
        default_factory=lambda: OptimizerConfig.choose({"learning_rate": LEARNING_RATE})
    )
    """How gradients change weights, by default with a lower learning rate than in pretraining."""

    @field_validator("optimizer", mode="before")
    @classmethod
    def _lower_rate(cls, part: Any) -> Any:
        """Lower the learning rate where a section of the optimizer does not name one."""
        if isinstance(part, str):
            part = {"name": part}
        return {"learning_rate": LEARNING_RATE, **part} if isinstance(part, dict) else part


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """What the settings amount to, given what is on disk."""

    config: FinetuneConfig
    """Resolved: what followed from the run is written in."""
    begin: Callable[[], Model]
    """Makes the model that is fine-tuned, as it was before."""
    sources: Sequence[Source]
    seen: tuple[StoreRecord, ...]
    """Stores that the model was trained on before."""
    base: AdapterBase | None
    """What the weights are saved apart from; None where they are saved whole."""
    notes: tuple[str, ...]


def finetune(
    config: FinetuneConfig, on_progress: OnProgress = silent, *, on_start: OnStart = unheard
) -> TrainingReport:
    """Train a copy of a trained model further, in a run of its own.

    Fields and numbers of axes that the model does not know are added; every old weight
    is kept.

    Args:
        config: settings.
        on_progress: is told about every step.
        on_start: is told once, before the first step, what will be done.

    Raises:
        CheckpointError: there is no model to start from.
        DataError: there is nothing to train on.
        ConfigError: settings cannot work.
        RunError: training diverged, or the disk is full.
    """
    plan = _plan(config)
    strategy = join_processes(config.device, sequence_parallel=config.sequence_parallel)
    try:
        job = _job(plan, strategy, resumed=None)
        return fit(job, strategy, on_progress=on_progress, on_start=on_start)
    finally:
        strategy.close()


def resume(
    runs: Path,
    name: str | None = None,
    on_progress: OnProgress = silent,
    *,
    sequence_parallel: int | None = None,
    on_start: OnStart = unheard,
) -> TrainingReport:
    """Continue a fine-tuning from its last checkpoint, with its own settings and stores.

    The run it started from is not needed any more.

    Args:
        runs: folder of runs.
        name: the run; without it, the newest fine-tuning that has a checkpoint.
        on_progress: is told about every step.
        sequence_parallel: how many processes share every sample; by default as many as before.
        on_start: is told once, before the first step, what will be done.

    Raises:
        CheckpointError: there is no such run, it is complete, or it does not fit its data.
    """
    run, config = resumable_run(runs, name, verb="finetune", read=run_config)
    if sequence_parallel is not None:
        config = config.model_copy(update={"sequence_parallel": sequence_parallel})
    plan = _plan_again(run, config)
    strategy = join_processes(config.device, sequence_parallel=config.sequence_parallel)
    try:
        job = _job(plan, strategy, resumed=run)
        return fit(job, strategy, on_progress=on_progress, on_start=on_start)
    finally:
        strategy.close()


def run_config(run: RunFolder) -> FinetuneConfig:
    """Read the settings of a fine-tuning."""
    values = upgraded(FinetuneConfig, read_toml(run.config), source=str(run.config))
    return validate(FinetuneConfig, values, source=str(run.config))


def _plan(config: FinetuneConfig) -> _Plan:
    trained = _start(config)
    history = config.history or trained.history
    max_lead = config.max_lead or _max_lead_of(trained)
    stores, notes = _choose_stores(config, trained)
    notes += _short_stores(stores, config.n_samples)
    mode = config.finetune
    if config.from_scratch:
        if mode.mode != "full":
            notes.append("From scratch everything trains: there is nothing trained to freeze.")
        mode = FinetuneModeConfig.choose("full")
    resolved = config.model_copy(
        update={"source": trained.path, "finetune": mode, "history": history, "max_lead": max_lead}
    )
    sources, more = _sources(resolved, stores)
    return _Plan(
        config=resolved,
        begin=trained.load,
        sources=sources,
        seen=trained.records,
        base=_adapter_base(resolved),
        notes=(*notes, *more),
    )


def _plan_again(run: RunFolder, config: FinetuneConfig) -> _Plan:
    """What a fine-tuning was begun with, from its own folder alone."""
    start, last = run.started(), run.checkpoints.named("last")
    assert last is not None
    sources, notes = _sources(config, reopen_stores(start.stores))
    base = _adapter_base(config)
    if base is not None and base.sha256 != start.base_sha256:
        raise CheckpointError(
            f"{config.source} has changed since {run.path} started: the SHA-256 of its weights is "
            f"{base.sha256}, expected {start.base_sha256}.",
            remedy="Put the old weights back, which the adapter is saved apart from.",
        )
    # Built and extended as it was, so that parameters have the order that sums were taken in.
    settings = load_model(last / "model").config
    return _Plan(
        config=config,
        begin=lambda: settings.build(fields=start.fields, num_axes=start.num_axes),
        sources=sources,
        seen=(),
        base=base,
        notes=tuple(notes),
    )


def _adapter_base(config: FinetuneConfig) -> AdapterBase | None:
    if config.finetune.save != "adapter":
        return None
    assert config.source is not None
    return AdapterBase.of(config.source, runs=config.runs)


def _sources(config: FinetuneConfig, stores: Sequence[Store]) -> tuple[list[Source], list[str]]:
    assert config.history is not None
    assert config.max_lead is not None
    return sources_of(
        stores,
        history=config.history,
        max_lead=config.max_lead,
        extra_frames=config.objective.extra_frames,
        choose=lambda store: subset(store, config.n_samples, seed=config.seed),
    )


def _start(config: FinetuneConfig) -> Trained:
    """Find the model: a fine-tuned one is continued only if it is named."""
    if config.source is not None:
        return find_trained(config.source, runs=config.runs)
    pretrained = newest_run(config.runs, kind="pretrain")
    return find_trained(pretrained.path if pretrained else None, runs=config.runs)


def _max_lead_of(trained: Trained) -> int:
    path = RunFolder(trained.out).config
    found = read_toml(path).get("max_lead", MAX_LEAD) if path.is_file() else MAX_LEAD
    if not isinstance(found, int) or found < 1:
        raise CheckpointError(f"{path}: max_lead should be a positive number, not {found}.")
    return found


def _choose_stores(config: FinetuneConfig, trained: Trained) -> tuple[list[Store], list[str]]:
    """Take the stores asked for, or else those that are new to the model, or else all."""
    if config.data is not None:
        return open_stores(config.data), []
    stores = [store for store in open_stores(config.default_data) if not store.is_static]
    seen = {record.fingerprint for record in trained.records}
    new = [store for store in stores if store.fingerprint not in seen]
    if not trained.records:
        return stores, [f"It is not recorded what {trained.path} was trained on: all stores count."]
    if not new:
        return stores, [f"The model has seen every store in {config.default_data}: all are taken."]
    if len(new) < len(stores):
        names = ", ".join(store.name for store in new)
        return new, [f"Stores that the model has not seen are taken: {names}."]
    return new, []


def _short_stores(stores: Sequence[Store], n_samples: int | None) -> list[str]:
    available = {store.name: len(store.samples("train")) for store in stores}
    return [
        f"{name} has {count} training trajectories, not {n_samples}: all are taken."
        for name, count in available.items()
        if n_samples is not None and 0 < count < n_samples
    ]


def subset(store: Store, size: int | None, *, seed: int) -> tuple[int, ...]:
    """Choose training trajectories; for one seed, the smaller choice is part of the larger.

    Args:
        store: where the trajectories are.
        size: how many, at most; None for all.
        seed: decides which.
    """
    samples = list(store.samples("train"))
    if size is None:
        return tuple(samples)
    random.Random(f"{seed} {store.fingerprint}").shuffle(samples)
    return tuple(sorted(samples[:size]))


def _job(plan: _Plan, strategy: Strategy, *, resumed: RunFolder | None) -> TrainingJob:
    config, stores = plan.config, [source.store for source in plan.sources]
    torch.manual_seed(config.seed)
    model = plan.begin()
    start = FinetuneStart(
        fields=model.fields,
        num_axes=model.num_axes,
        stores=tuple(record_of(part.store, part.training.samples) for part in plan.sources),
        base_sha256=plan.base.sha256 if plan.base else None,
    )
    notes = [*plan.notes, *_news(model, stores)]
    model = _prepared(model, config, stores)
    if resumed is None:
        config, budget = _budgeted(plan, model, strategy)
        notes += budget
    facts = store_facts(model, plan.sources)
    run = resumed
    if run is None and strategy.place.is_first:
        run = create_run(config.runs, config, kind="finetune", name=config.name)
        run.record_stores(_records(plan, start))
        run.record_start(start)
    path = strategy.share(str(run.path) if run else "")
    return TrainingJob(
        task="finetune",
        config=config,
        model=model,
        sources=plan.sources,
        facts=facts,
        notes=notes,
        run=RunFolder(Path(path)),
        mode=config.finetune,
        base=plan.base,
        resumes=resumed is not None,
    )


def _budgeted(plan: _Plan, model: Model, strategy: Strategy) -> tuple[FinetuneConfig, list[str]]:
    """Let the model cut fields as the budget says, and write that into the settings."""
    config, stores = plan.config, [source.store for source in plan.sources]
    if config.tokens is not None:
        cutting = adaptive(model, what="A budget of tokens")
        cutting.retokenize(cutting.config.tokenization.with_tokens(config.tokens))
    settled, notes = settle(
        config,
        model.config,
        plan.sources,
        strategy,
        make=lambda: _prepared(plan.begin(), config, stores),
    )
    if settled != model.config:
        chosen = adaptive_config(settled, what="A budget").tokenization
        adaptive(model, what="A budget").retokenize(chosen)
        update = {"tokens": chosen.tokens, "flops": None, "seconds": None}
        config = config.model_copy(update=update)
    return config, notes


def _news(model: Model, stores: Sequence[Store]) -> list[str]:
    fields = [name for name in field_names(stores) if name not in model.fields]
    return [f"Fields that are new to the model: {', '.join(fields)}."] if fields else []


def _prepared(model: Model, config: FinetuneConfig, stores: Sequence[Store]) -> Model:
    """Teach the model what is new and freeze parts of it, or make another one like it."""
    known = {name: value.shape for name, value in model.named_parameters()}
    model.extend(fields=field_names(stores), num_axes=axis_counts(stores))
    if config.from_scratch:
        return model.config.build(fields=model.fields, num_axes=model.num_axes)
    new = {name for name, value in model.named_parameters() if known.get(name) != value.shape}
    expected = {name: value.shape for name, value in model.state_dict().items()}
    config.finetune.prepare(model)
    check_merged(config.finetune, model, expected)
    for name, parameter in model.named_parameters():
        if name in new:  # it has never been trained: no mode may freeze it
            parameter.requires_grad_(True)
    return model


def _records(plan: _Plan, start: FinetuneStart) -> list[StoreRecord]:
    """All that the weights have seen, each store once."""
    seen = () if plan.config.from_scratch else plan.seen
    records = {record.fingerprint: record for record in seen}
    for record in start.stores:
        if earlier := records.get(record.fingerprint):
            samples = sorted({*earlier.samples, *record.samples})
            record = replace(record, samples=tuple(samples))
        records[record.fingerprint] = record
    return list(records.values())
