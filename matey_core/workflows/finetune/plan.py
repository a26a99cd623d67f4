"""What the settings of a fine-tuning amount to, given what is on disk."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from matey_core.data import Ranges
from matey_core.errors import CheckpointError
from matey_core.finetuning import keep_time_steps
from matey_core.models import AdapterBase, Model, load_model
from matey_core.runs.folder import RunFolder, StoreRecord, newest_run, record_of, run_toml
from matey_core.runs.sources import StoreWindows, completed, reopen_stores, sources_of
from matey_core.runs.subset import short_stores, subset
from matey_core.runs.trained import Trained, find_trained
from matey_core.store import Store
from matey_core.training import read_ranges
from matey_core.workflows.finetune.settings import FinetuneConfig
from matey_core.workflows.finetune.stores import choose_stores

MAX_LEAD = 4
"""Where neither the settings nor the run that the model is from say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetunePlan:
    """What the settings amount to, given what is on disk."""

    config: FinetuneConfig
    """Resolved: what followed from the run is written in."""
    begin: Callable[[], Model]
    """Makes the model that is fine-tuned, as it was before."""
    sources: Sequence[StoreWindows]
    seen: tuple[StoreRecord, ...]
    """Stores that the model was trained on before."""
    base: AdapterBase | None
    """What the weights are saved apart from; None where they are saved whole."""
    notes: tuple[str, ...]
    ranges: Ranges = field(default_factory=dict)
    """What the stores showed that the model was trained on before."""

    def own_records(self) -> tuple[StoreRecord, ...]:
        """The stores of this run."""
        return tuple(record_of(part.store, part.training.samples) for part in self.sources)

    def records(self) -> list[StoreRecord]:
        """All stores that the weights will have seen, each once."""
        seen = () if self.config.from_scratch else self.seen
        records = {record.fingerprint: record for record in seen}
        for record in self.own_records():
            if earlier := records.get(record.fingerprint):
                samples = sorted({*earlier.samples, *record.samples})
                record = replace(record, samples=tuple(samples))
            records[record.fingerprint] = record
        return list(records.values())


def plan_finetuning(config: FinetuneConfig) -> FinetunePlan:
    """Find the model and the data.

    Raises:
        CheckpointError: there is no model to start from.
        DataError: there is nothing to train on.
        ConfigError: an adapter cannot be saved apart from this model.
    """
    trained = _start(config)
    history = config.history or trained.history
    max_lead = config.max_lead or _max_lead_of(trained)
    stores, notes = choose_stores(config, trained)
    notes += short_stores(stores, config.n_samples)
    mode = config.finetune
    if config.from_scratch:
        if mode.mode != "full":
            notes.append("With --from-scratch, weights that do not train stay random.")
        if mode.save == "adapter":
            notes.append("With --from-scratch there is no base; the whole model is saved.")
            mode = mode.model_copy(update={"save": "merged"})
    resolved = config.model_copy(
        update={
            "source": trained.path,
            "finetune": mode,
            "borrow": config.borrow and not config.from_scratch,
            "history": history,
            "max_lead": max_lead,
            "given": tuple(dict.fromkeys((*trained.given(), *config.given))),
        }
    )
    resolved = completed(resolved, stores)
    sources, more = _sources(resolved, stores)
    return FinetunePlan(
        config=resolved,
        begin=partial(_begun, trained, borrows=resolved.borrow),
        sources=sources,
        seen=trained.records,
        base=_adapter_base(resolved),
        notes=(*notes, *more),
        ranges={} if config.from_scratch else read_ranges(trained.path),
    )


def _begun(trained: Trained, *, borrows: bool) -> Model:
    """Load the model; it reads time steps that it has not seen as the nearest that it has."""
    model = trained.load()
    if borrows:
        keep_time_steps(model, [each.time_step for each in trained.records if each.time_step])
    return model


def plan_again(run: RunFolder, config: FinetuneConfig, data: Path | None = None) -> FinetunePlan:
    """Find what a fine-tuning was begun with, from its own folder.

    Args:
        run: the fine-tuning.
        config: its settings.
        data: where its stores are, which is needed for those in object storage.

    Raises:
        CheckpointError: its record is damaged, its stores have changed, or so has the base that
            its adapter is saved apart from.
    """
    start, last = run.started(), run.checkpoints.last_intact()
    assert last is not None
    sources, notes = _sources(config, reopen_stores(start.stores, data))
    base = _adapter_base(config, runs=run.path.parent)
    if base is not None and base.sha256 != start.base_sha256:
        raise CheckpointError(
            f"{base.folder} has changed since {run.path} started: the SHA-256 of its weights is "
            f"{base.sha256}, expected {start.base_sha256}.",
            remedy="Restore the old weights of the base.",
        )
    # Built and extended as it was, so that parameters have the order that sums were taken in.
    settings = load_model(last / "model").config

    def begin() -> Model:
        model = settings.build(fields=start.fields, num_axes=start.num_axes)
        model.give(start.given)
        return model

    return FinetunePlan(
        config=config,
        begin=begin,
        sources=sources,
        seen=(),
        base=base,
        notes=tuple(notes),
    )


def _adapter_base(config: FinetuneConfig, runs: Path | None = None) -> AdapterBase | None:
    """What the weights are saved apart from, in the folder of runs or where that was moved to."""
    if config.finetune.save != "adapter":
        return None
    assert config.source is not None
    if runs is None:
        return AdapterBase.of(config.source, runs=config.runs)
    return AdapterBase.of(runs / os.path.relpath(config.source, config.runs), runs=runs)


def _sources(
    config: FinetuneConfig, stores: Sequence[Store]
) -> tuple[list[StoreWindows], list[str]]:
    assert config.history is not None
    assert config.max_lead is not None
    return sources_of(
        stores,
        history=config.history,
        max_lead=config.max_lead,
        extra_frames=config.objective.extra_frames,
        choose=lambda store: subset(store, config.n_samples, seed=config.seed, by=config.subset),
        given=config.given,
        reads=config.objective.reads,
        leads=config.leads,
    )


def _start(config: FinetuneConfig) -> Trained:
    """Find the model: a fine-tuned one is continued only if it is named."""
    if config.source is not None:
        return find_trained(config.source, runs=config.runs)
    pretrained = newest_run(config.runs, kind="pretrain")
    return find_trained(pretrained.path if pretrained else None, runs=config.runs)


def _max_lead_of(trained: Trained) -> int:
    path = RunFolder(trained.out).config
    found = run_toml(path).get("max_lead", MAX_LEAD) if path.is_file() else MAX_LEAD
    if not isinstance(found, int) or found < 1:
        raise CheckpointError(f"{path}: max_lead should be a positive number, not {found}.")
    return found
