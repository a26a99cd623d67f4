"""What a training needs and gives, before it is begun: a measured probe, and laws beyond it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from matey_core.distributed import Strategy
from matey_core.finetuning import count_parameters
from matey_core.machine import keep_freed_memory, memory
from matey_core.models import AdaptiveConfig, Model, ModelConfig
from matey_core.planning.laws import Line, exchange_seconds
from matey_core.planning.length import Length, length_of, seen
from matey_core.planning.probe import Probe, ProbePoint, laws_of
from matey_core.planning.proposing import proposal
from matey_core.planning.report import PlanReport, Proposal
from matey_core.planning.settings import PlanConfig
from matey_core.progress import OnProgress, Progress, silent
from matey_core.rounding import subnormals_as_zero
from matey_core.runs.capabilities import check_capabilities
from matey_core.runs.mixing import check_batch
from matey_core.runs.processes import join_processes
from matey_core.runs.sizes import fitting_size, may_be_chosen
from matey_core.runs.sources import (
    StoreWindows,
    axis_counts,
    completed,
    field_names,
    open_stores,
    sources_of,
)
from matey_core.runs.start import StoreFacts, store_facts
from matey_core.runs.time_plan import with_length
from matey_core.runs.token_plan import TokenPlan, plan_tokens

HEADROOM = 0.8
"""Share of the memory up to which steps are taken that the law expects to need so much."""

__all__ = ["PlanConfig", "PlanReport", "Proposal", "plan"]


@subnormals_as_zero()  # before anything starts the threads that will compute steps
def plan(config: PlanConfig, on_progress: OnProgress = silent) -> PlanReport:
    """Measure a few steps of a pretraining, and say what all of it comes to.

    Raises:
        DataError: there is nothing to train on.
        ConfigError: settings cannot work.
    """
    keep_freed_memory()  # as training does
    config = with_length(config)
    check_batch(config, config.devices)
    strategy = join_processes(config.device)
    try:
        subject = _subject(config, strategy)
        return _report(subject, _measured(subject, on_progress))
    finally:
        strategy.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Subject:
    config: PlanConfig
    strategy: Strategy
    sources: Sequence[StoreWindows]
    tokens: TokenPlan
    facts: tuple[StoreFacts, ...]
    notes: tuple[str, ...]
    parameters: int
    build: Callable[[ModelConfig], Model]

    @property
    def share(self) -> int:
        """Windows of a step on one device."""
        return self.config.batch_size // self.config.devices

    @property
    def micro_batch(self) -> int:
        """Windows that a device computes at once."""
        return self.share // self.config.accumulate

    @property
    def limit(self) -> int:
        """Bytes that may be used."""
        if self.config.memory is not None:
            return self.config.memory
        if self.strategy.device.type == "cuda":
            return int(torch.cuda.get_device_properties(self.strategy.device).total_memory)
        return memory()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    probe: Probe
    memory: Line
    step: Line
    whole: ProbePoint | None
    """Steps as they are; None where they were too large to take."""
    proposal: Proposal | None


def _subject(config: PlanConfig, strategy: Strategy) -> _Subject:
    """Prepare what a pretraining prepares, without a run."""
    stores = open_stores(config.data)
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

    def build(settings: ModelConfig) -> Model:
        return settings.build(
            fields=field_names(used, config.objective), num_axes=axis_counts(used)
        )

    sized = config.model
    if may_be_chosen(config, sized):
        sized, reason = fitting_size(config, sized, sources, strategy, build=build)
        notes.append(f"Size {sized.label}: {reason}.")
    tokens = plan_tokens(config, sized, sources, strategy, make=partial(build, sized))
    model = build(tokens.model)
    check_capabilities(config, model, tokens, sources, strategy)
    return _Subject(
        config=config.model_copy(update={"model": tokens.model, "flops": None, "seconds": None}),
        strategy=strategy,
        sources=sources,
        tokens=tokens,
        facts=store_facts(model, sources, tokens),
        notes=tuple(filter(None, (*notes, tokens.budget))),
        parameters=sum(count_parameters(model).trained.values()),
        build=build,
    )


def _measured(subject: _Subject, on_progress: OnProgress) -> _Measured:
    """Measure two small micro-batches, then the step as it is where that fits."""
    config = subject.config
    probe = Probe(config, subject.sources, subject.tokens, subject.strategy, build=subject.build)
    few = max(1, subject.micro_batch // 4)
    points = []
    for number, windows in enumerate((few, 2 * few)):
        on_progress(Progress(task="measure", done=number, total=3, unit="micro-batches"))
        points.append(probe.measure(windows))
    memories, step = laws_of(*points)
    whole = None
    if memories.at(subject.micro_batch) <= HEADROOM * min(memory(), subject.limit):
        on_progress(Progress(task="measure", done=2, total=3, unit="micro-batches"))
        whole = probe.measure(subject.micro_batch, accumulate=config.accumulate, validates=True)
    found = proposal(
        probe,
        windows=subject.share,
        micro_batch=subject.micro_batch,
        limit=subject.limit,
        memory=memories,
        step=step,
        model=subject.tokens.model if isinstance(subject.tokens.model, AdaptiveConfig) else None,
    )
    on_progress(Progress(task="measure", done=3, total=3, unit="micro-batches"))
    return _Measured(probe=probe, memory=memories, step=step, whole=whole, proposal=found)


def _report(subject: _Subject, measured: _Measured) -> PlanReport:
    config, whole = subject.config, measured.whole
    exchange = exchange_seconds(subject.parameters, config.devices, config.bandwidth)
    alone = config.accumulate * measured.step.at(subject.micro_batch)
    alone = alone if whole is None else whole.step_seconds
    length: Length = length_of(
        config,
        subject.strategy,
        step_seconds=alone + exchange,
        validation_seconds=measured.probe.validation_seconds,
    )
    samples, tokens = seen(config, subject.facts, measured.probe.weights, length.steps)
    hours = length.hours
    assert measured.probe.precision is not None
    return PlanReport(
        label=subject.tokens.model.label,
        parameters=subject.parameters,
        device=str(subject.strategy.device),
        threads=torch.get_num_threads(),
        precision=measured.probe.precision.name,
        devices=config.devices,
        windows=config.batch_size,
        micro_batch=subject.micro_batch,
        accumulate=config.accumulate,
        is_measured=whole is not None,
        memory=measured.memory.at(subject.micro_batch) if whole is None else whole.memory,
        memory_limit=subject.limit,
        memory_law=measured.memory,
        step_seconds=alone + exchange,
        step_law=measured.step,
        exchange_seconds=exchange,
        validation_seconds=measured.probe.validation_seconds,
        steps=length.steps,
        validations=length.validations,
        hours=hours,
        samples=samples,
        tokens=tokens,
        cost=None if config.price is None else config.price * hours * config.devices,
        proposal=measured.proposal,
        notes=subject.notes,
    )
