"""Training a model in a run folder: what pretraining and fine-tuning have in common."""

import shutil
import time
import warnings
from collections.abc import Callable
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch.optim import Optimizer

from matey_core.data import Loader, Ranges, joined_ranges, measure_ranges
from matey_core.distributed import Strategy
from matey_core.errors import CheckpointError, Interrupted, MateyWarning, RunError
from matey_core.finetuning import count_parameters
from matey_core.machine import keep_freed_memory
from matey_core.models import compile_parts
from matey_core.objectives import Objective
from matey_core.optimizers import same_rate
from matey_core.progress import OnProgress
from matey_core.rounding import subnormals_as_zero
from matey_core.runs.folder import RunFolder
from matey_core.runs.job import TrainingJob
from matey_core.runs.keeper import Keeper
from matey_core.runs.mixing import first_micro_batch, mixture_of
from matey_core.runs.pace import Measured
from matey_core.runs.processes import agree_on_precision, join_processes, place_model
from matey_core.runs.recorder import Recorder
from matey_core.runs.rollback import train_with_rollbacks
from matey_core.runs.scores import OnValidation, StoreScore, Validation
from matey_core.runs.settings import TrainingConfig
from matey_core.runs.start import OnStart, StartFacts
from matey_core.runs.status import OnStep, ignore_step
from matey_core.runs.stopping import Hours, agree, end
from matey_core.runs.time_plan import begin, plan_of, time_budget
from matey_core.runs.trackers import tracking
from matey_core.sequence_group import together
from matey_core.signals import INTERRUPTED, Stop
from matey_core.training import (
    POSITIONS,
    AfterStep,
    Limits,
    Parity,
    Record,
    TimeBudget,
    TrainState,
    WeightAverage,
    ignore_report,
    train,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingReport:
    """How training went."""

    run: Path
    model: Path
    """Folder of the best weights."""
    steps: int
    skipped: int
    """Steps without an update, because loss or gradient was not finite."""
    seconds: float
    best_step: int
    """Step that the best weights are from."""
    scores: tuple[StoreScore, ...]
    """Of the best weights, on validation data; empty if there is none."""
    validations: tuple[Validation, ...]
    """All of the run, one after another."""
    start: StartFacts
    """What was known before the first step."""
    blended: tuple[str, ...] = ()
    """Datasets on which the local linear fit has a part in first frames; no score counts it."""
    page: Path | None = None
    """The report as a web page, once it is written."""


def fit(
    config: TrainingConfig,
    prepare: Callable[[Strategy], TrainingJob],
    *,
    on_progress: OnProgress,
    on_start: OnStart,
    on_validation: OnValidation,
    on_step: OnStep = ignore_step,
) -> TrainingReport:
    """Join the processes that train together, then train, validate and save to the end.

    Called by all processes alike; only the first writes and reports. A run that ends
    before its first checkpoint leaves nothing behind.

    Args:
        config: says where to compute, and how training is spread.
        prepare: makes the model and the run's folder, once the processes are joined.
        on_progress: is called after every step.
        on_start: is called once, before the first step, with what will be done.
        on_validation: is called after every validation.
        on_step: is called after every step, with all figures.

    Raises:
        ConfigError: a logger cannot be opened.
        RunError: training diverged, the disk is full, or another process trains the same run.
        Interrupted: Ctrl-C, SIGTERM or SIGUSR1, or `max_hours` are over; what was trained is saved.
    """
    began = time.monotonic()
    keep_freed_memory()
    for logger in config.logger:
        logger.check_installed()
    strategy = join_processes(
        config.device, sequence_parallel=config.sequence_parallel, strategy=config.strategy
    )
    try:
        listeners = _Listeners(on_progress, on_start, on_validation, on_step)
        with subnormals_as_zero(), Stop().listening() as stop:
            job = prepare(strategy)
            with (
                job.run.locked() if strategy.place.is_first else nullcontext(),
                together() if strategy.is_sharded else nullcontext(),
            ):
                return _fit_or_clean_up(job, strategy, listeners, stop, began)
    finally:
        strategy.close()


class _Listeners(NamedTuple):
    on_progress: OnProgress
    on_start: OnStart
    on_validation: OnValidation
    on_step: OnStep


def _fit_or_clean_up(
    job: TrainingJob, strategy: Strategy, listeners: _Listeners, stop: Stop, began: float
) -> TrainingReport:
    told = job.config.logger if strategy.place.is_first else ()
    try:
        with tracking(told, job.run) as trackers:
            heard = listeners._replace(
                on_step=trackers.on_step(listeners.on_step),
                on_validation=trackers.on_validation(listeners.on_validation),
            )
            return _fit(job, strategy, heard, stop, began)
    except BaseException as error:
        last = _clean_up(job.run) if strategy.place.is_first else None
        remains = f"{last} is kept" if last else "nothing was saved yet"
        if isinstance(error, RunError) and strategy.place.is_first:
            error.remedy = f"{error.remedy} Of this training, {remains}.".lstrip()
        if isinstance(error, KeyboardInterrupt):
            raise Interrupted(
                f"{job.task} was stopped; {remains}.",
                is_kept=last is not None,
                exit_code=getattr(error, "exit_code", INTERRUPTED),
            ) from error
        raise


def _clean_up(run: RunFolder) -> Path | None:
    """Remove a run that has kept nothing; otherwise return its last checkpoint, or its model."""
    with suppress(CheckpointError):
        if last := run.checkpoints.named("last"):
            return last
    if run.model.exists():
        return run.model
    shutil.rmtree(run.path, ignore_errors=True)
    with suppress(OSError):
        run.path.parent.rmdir()  # succeeds only if this was the only run
    return None


def _fit(
    job: TrainingJob, strategy: Strategy, listeners: _Listeners, stop: Stop, began: float
) -> TrainingReport:
    config = job.config
    budget = time_budget(config, strategy, began=began)
    mixture = mixture_of(config, job.sources, strategy, budget)
    objective = job.objective()
    state = _initial_state(job, strategy, budget)
    keeper = Keeper(
        job.run,
        config,
        job.sources,
        mixture=mixture,
        strategy=strategy,
        on_validation=listeners.on_validation,
    )
    parity = _resume_or_begin(job, state, keeper, objective)
    if strategy.place.is_first and not state.ranges:
        state.ranges = _ranges(job)
    strategy.broadcast(None)  # a step has less time than the first may need for the ranges
    if budget is not None:
        begin(
            budget,
            _measured(job, keeper, objective),
            config,
            keeper.validator,
            strategy,
            step=state.step,
            validates_first=job.starts_with_validation,
        )
    facts = _start_facts(job, strategy, state, keeper, parity)
    # What is computed again in the backward pass would be compiled there, for every new shape.
    if config.compile and not (config.recompute and job.tokens.varying):
        compile_parts(state.model)
    if strategy.place.is_first:
        listeners.on_start(facts)
    hours = Hours(most=config.max_hours, began=began)
    after_step = _after_step(keeper, stop, hours)
    record: Record = ignore_report
    if strategy.place.is_first:
        record = Recorder(
            job, state, keeper, on_progress=listeners.on_progress, on_step=listeners.on_step
        )
    started = time.monotonic()
    if job.starts_with_validation:
        keeper.before_first_step(state)
    if budget is not None or config.steps:
        attempt = partial(_attempt, job, state, keeper, objective, stop, after_step, record)
        train_with_rollbacks(attempt, state, keeper)
    return _report(state, keeper, facts, seconds=time.monotonic() - started)


def _resume_or_begin(
    job: TrainingJob, state: TrainState, keeper: Keeper, objective: Objective
) -> Parity | None:
    """Go back to the last checkpoint, or choose the precision and seed the draws of a new run."""
    config, strategy = job.config, keeper.strategy
    if job.resumes:
        if strategy.place.is_first:
            job.run.record_length(config.length)
        keeper.resume(state)
        return None
    keeper.journal.clear()
    first_batch = partial(first_micro_batch, keeper.mixture, config)
    keeper.precision, parity = agree_on_precision(
        config.precision, state.model, first_batch, objective, strategy
    )
    torch.manual_seed(config.seed * 100_003 + strategy.place.data_rank)
    return parity


def _after_step(keeper: Keeper, stop: Stop, hours: Hours) -> AfterStep:
    """Make what follows every step: save where it is time, end where it shall."""
    strategy = keeper.strategy

    def after_step(state: TrainState, store: str, settle: Callable[[], None]) -> None:
        asked = agree(stop.number or hours.signal, keeper.is_due, strategy)
        keeper.after_step(state, asked, store=store, settle=settle)
        if asked.signal and not keeper.is_last(state):
            end(asked.signal, strategy)

    return after_step


def _attempt(
    job: TrainingJob,
    state: TrainState,
    keeper: Keeper,
    objective: Objective,
    stop: Stop,
    after_step: AfterStep,
    record: Record,
) -> None:
    """Train from where the state is to the end."""
    config, strategy, budget = job.config, keeper.strategy, state.time
    steps = config.steps if budget is None else None
    has_gpu = strategy.device.type == "cuda"
    with (
        keeper.precision.training(strategy.device),
        stop.put_off(),
        Loader(keeper.mixture, steps=steps, workers=config.workers, pin=has_gpu) as batches,
    ):
        train(
            state,
            batches if budget is None else budget.until_over(batches),
            objective,
            strategy=strategy,
            precision=keeper.precision,
            limits=Limits(gradient_norm=config.clip),
            after_step=after_step,
            record=record,
            settings=job.tokens.each_step(),
            accumulate=config.accumulate,
        )


def _report(
    state: TrainState, keeper: Keeper, facts: StartFacts, *, seconds: float
) -> TrainingReport:
    run = keeper.run
    if keeper.validator.has_windows and not keeper.best:
        warnings.warn(
            f"No validation had finite errors: {run.model} has the weights of the last step.",
            MateyWarning,
            stacklevel=2,
        )
    return TrainingReport(
        run=run.path,
        model=run.model,
        steps=state.step,
        skipped=state.skipped,
        seconds=seconds,
        best_step=int(keeper.best.get("step", state.step)),
        scores=keeper.best_scores,
        validations=tuple(keeper.validations),
        start=facts,
        blended=tuple(state.blends),
    )


def _ranges(job: TrainingJob) -> Ranges:
    """What rollouts will be limited by: the data of this run, and those of runs before it."""
    own = [
        {part.store.name: measure_ranges(part.training)} for part in job.sources if part.training
    ]
    return joined_ranges(job.ranges, *own)


def _initial_state(job: TrainingJob, strategy: Strategy, budget: TimeBudget | None) -> TrainState:
    config = job.config
    place_model(job.model, config, strategy)
    job.model.blends = {}  # those of what it starts from fit other weights
    return TrainState(
        model=job.model,
        mode=job.mode,
        base=job.base,
        optimizer=_optimizer(job),
        schedule=config.schedule.build(config.steps if budget is None else POSITIONS),
        time=budget,
        average=None if config.ema is None else WeightAverage(job.model, config.ema),
    )


def _optimizer(job: TrainingJob) -> Optimizer:
    rate_of = partial(job.mode.rate_of, job.model) if job.mode else same_rate
    return job.config.optimizer.build(job.model, rate_of=rate_of)


def _measured(job: TrainingJob, keeper: Keeper, objective: Objective) -> Measured:
    return Measured(
        model=job.model,
        optimizer=_optimizer(job),
        mixture=keeper.mixture,
        objective=objective,
        precision=keeper.precision,
        settings=job.tokens.each_step(),
    )


def _start_facts(
    job: TrainingJob, strategy: Strategy, state: TrainState, keeper: Keeper, parity: Parity | None
) -> StartFacts:
    plan = None
    if state.time is not None:
        label = state.model.config.label
        plan = plan_of(state.time, step=state.step, size=label, size_reason=job.size_reason)
    facts = StartFacts(
        run=job.run.path,
        device=str(strategy.device),
        num_processes=strategy.place.size,
        precision=keeper.precision.name,
        precision_reason=keeper.precision.reason,
        parity=parity,
        parameters=count_parameters(state.model),
        stores=job.facts,
        notes=_notes(job),
        step=state.step,
        steps=job.config.steps if plan is None else plan.steps,
        plan=plan,
    )
    keeper.journal.write(
        "start",
        step=state.step,
        precision=facts.precision,
        precision_reason=facts.precision_reason,
        parity=asdict(parity) if parity else None,
        device=facts.device,
        processes=facts.num_processes,
        parameters=asdict(facts.parameters),
        stores=[asdict(store) for store in facts.stores],
        notes=list(facts.notes),
        **({} if plan is None else {"plan": asdict(plan)}),
    )
    return facts


def _notes(job: TrainingJob) -> tuple[str, ...]:
    """What a user should know before the first step."""
    compiling = ""
    if job.config.compile:
        compiling = job.tokens.compiling_note(recompute=job.config.recompute)
    freezing = job.mode.note(job.model) if job.mode else ""
    told = (*job.notes, job.unvalidated_note, freezing, job.tokens.budget, compiling)
    return tuple(filter(None, told))
