"""Which stores a model trains on, and which windows of them."""

import shlex
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from matey_core.data import Leads, Windows, measure_given
from matey_core.errors import CheckpointError, ConfigError, DataError, MateyWarning
from matey_core.fields import MASK, SIZE, GivenScale
from matey_core.locations import is_remote, recorded_location
from matey_core.objectives import ObjectiveConfig
from matey_core.runs.folder import StoreRecord
from matey_core.runs.representable import beyond_float32, lost_in_float32
from matey_core.runs.settings import TrainingConfig
from matey_core.store import Store, find_stores, open_store

Configured = TypeVar("Configured", bound=TrainingConfig)
FEW = 2
"""A large `max_lead` is mentioned where fewer than one in so many windows is left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreWindows:
    """A store's windows for training and for validation."""

    store: Store
    training: Windows
    validation: Windows | None
    """None where no trajectory was kept for it."""


def open_stores(folder: Path) -> list[Store]:
    """Open all stores of a data folder that can be read.

    Warns:
        MateyWarning: a store is left out, because it cannot be read.

    Raises:
        DataError: there is none, none can be read, or there is no such folder.
    """
    if not is_remote(folder) and not folder.exists():
        raise DataError(
            f"There is no store in {folder}: it does not exist.",
            remedy="Name a folder of stores with --data, or make stores of your files: "
            "matey prepare FOLDER.",
        )
    paths = find_stores(folder)
    if not paths and not is_remote(folder) and folder.is_file():
        raise DataError(
            f"{folder} is a file; training reads stores.",
            remedy=f"Convert it first: {shlex.join(('matey', 'prepare', str(folder)))}",
        )
    if not paths:
        raise DataError(
            f"There is no store in {folder} or {folder / 'zarr'}.",
            remedy=f"Convert its files first: {shlex.join(('matey', 'prepare', str(folder)))}",
        )
    return readable(paths)


def readable(paths: Sequence[Path]) -> list[Store]:
    """Open the stores that can be read: a bad one does not stop the work on the others.

    Warns:
        MateyWarning: a store is left out, because it cannot be read.

    Raises:
        DataError: none can be read.
    """
    stores: list[Store] = []
    faults: list[DataError] = []
    for path in paths:
        try:
            stores.append(open_store(path))
        except DataError as error:
            faults.append(error)
    if faults and not stores:
        raise faults[0]
    for fault in faults:
        problem = f"A store that cannot be read is left out: {fault} {fault.remedy}".rstrip()
        warnings.warn(problem, MateyWarning, stacklevel=1)
    return stores


def reopen_stores(records: Sequence[StoreRecord], data: Path | None = None) -> list[Store]:
    """Open the stores of an earlier run.

    Args:
        records: of the run.
        data: what the user has given; stores in object storage are opened only below it.

    Raises:
        CheckpointError: a store holds something else now.
        DataError: a store is gone, or lies at an address that the user has not given.
    """
    places = [recorded_location(record.path, asked_for=data) for record in records]
    stores = [open_store(place) for place in places]
    for store, record in zip(stores, records, strict=True):
        if store.fingerprint != record.fingerprint:
            raise CheckpointError(
                f"{store.path} has changed since the run started: its fingerprint is "
                f"{store.fingerprint}, expected {record.fingerprint}.",
                remedy="Start a new run, or put the old data back.",
            )
    return stores


def completed(config: Configured, stores: Sequence[Store]) -> Configured:
    """Write into settings what the objective takes from the stores."""
    names = dict.fromkeys(name for store in stores for name in store.parameters)
    objective = config.objective.knowing(tuple(names))
    if objective == config.objective:
        return config
    return config.model_copy(update={"objective": objective})


def sources_of(
    stores: Sequence[Store],
    *,
    history: int,
    max_lead: int,
    extra_frames: int = 0,
    choose: Callable[[Store], Sequence[int]],
    given: Sequence[str] = (),
    reads: Sequence[str] = (),
    leads: Leads = "all",
) -> tuple[list[StoreWindows], list[str]]:
    """Cut the stores that can be trained on into windows.

    Args:
        stores: all candidates.
        history: frames of a history.
        max_lead: largest lead, in stored frames.
        extra_frames: frames behind it that training windows need.
        choose: the trajectories of a store to train on.
        given: names of what the model is given beside the history.
        reads: names of parameters that the objective reads.
        leads: which windows to train on.

    Returns:
        The sources, and a sentence about every store that is left out or shortened.

    Raises:
        DataError: no store is left.
        ConfigError: no store has what the objective reads.
    """
    sources, notes = [], []
    for store in (each.giving(given).reading(reads) for each in stores):
        samples = tuple(choose(store))
        if reason := _hindrance(store, samples, history + extra_frames):
            notes.append(f"{store.name} is left out: {reason}.")
            continue
        cut = partial(
            Windows, store, samples, history=history, max_lead=max_lead, extra_frames=extra_frames
        )
        training = cut(leads=leads)
        if training.max_lead < max_lead:
            notes.append(
                f"{store.name} has {store.num_frames} frames: lead times go up to "
                f"{training.max_lead}, not {max_lead}."
            )
        if len(training) * FEW < (most := len(cut(leads="available"))):
            notes.append(
                f"{store.name}: {len(training):,} of {most:,} windows have every lead time up to "
                f"{training.max_lead}. Train on all with --leads available."
            )
        kept = store.samples("validation")
        notes += lost_in_float32(store)
        validation = Windows(store, kept, history=history, max_lead=max_lead) if kept else None
        if validation is None:
            notes.append(f"{store.name} has no trajectory for validation.")
        sources.append(StoreWindows(store=store, training=training, validation=validation))
    if not sources:
        raise DataError(
            "No store can be trained on. " + " ".join(notes),
            remedy=f"Prepare stores with at least {history + extra_frames + 1} frames a trajectory "
            "and values in range, or use a shorter --history"
            + (", and --objective one_step." if extra_frames else "."),
        )
    has = dict.fromkeys(name for each in sources for name in each.store.given)
    if told := [name for name in has if name in given]:
        notes.append(f"Given beside the history: {', '.join(told)}.")
    notes += [
        f"{each.store.name} does not have {', '.join(lacking)}, which is to be given."
        for each in sources
        if (lacking := [name for name in given if name not in each.store.given])
    ]
    _check_read([each.store for each in sources], reads)
    if nowhere := [name for name in reads if name not in has]:
        notes.append(f"No store has {', '.join(nowhere)}, which is what the objective reads.")
    notes += [
        f"{each.store.name} has nothing of what the objective reads."
        for each in sources
        if reads and not set(reads) & set(each.store.given)
    ]
    return sources, notes


def _check_read(stores: Sequence[Store], reads: Sequence[str]) -> None:
    """Refuse an objective where no store has any of the parameters that it reads."""
    if reads and not any(name in store.given for store in stores for name in reads):
        raise ConfigError(
            f"No store has {' or '.join(reads)}, which the objective reads; parameters are "
            f"{', '.join(dict.fromkeys(n for s in stores for n in s.parameters)) or 'none'}.",
            remedy="Name one of them, or choose another objective.",
        )


def field_names(stores: Sequence[Store], objective: ObjectiveConfig) -> tuple[str, ...]:
    """Names of the fields of all stores and of the answers, each once, in order of appearance."""
    fields = (name for store in stores for name in store.spec.names)
    return tuple(dict.fromkeys((*fields, *objective.answers)))


def axis_counts(stores: Sequence[Store]) -> tuple[int, ...]:
    """Numbers of space axes that occur."""
    return tuple(sorted({store.spec.grid.num_axes for store in stores}))


def given_scales(config: TrainingConfig, sources: Sequence[StoreWindows]) -> dict[str, GivenScale]:
    """How what a model is given is normalized, by the trajectories that train it.

    Raises:
        ConfigError: the source is not given.
    """
    parts = [(each.store, each.training.samples) for each in sources]
    source = config.given_source
    scales = measure_given(parts, config.given, {source: config.given_role} if source else {})
    if config.given and not scales and not {MASK, SIZE} & set(config.given):
        stores = [store for store, _ in parts]
        fields = [each.name for store in stores for each in store.static_fields]
        known = dict.fromkeys([*fields, *(name for store in stores for name in store.parameters)])
        raise ConfigError(
            f"No store has {' or '.join(config.given)}, which --given names; there are "
            f"{', '.join(known) or 'no static fields and no parameters'}.",
            remedy="Correct --given, or leave it out.",
        )
    if source is not None and source not in scales:
        raise ConfigError(
            f"given_source is {source}, which is not among what is given: "
            f"{', '.join(scales) or 'nothing'}.",
            remedy="Name it in given as well, or leave given_source out.",
        )
    return scales


def _hindrance(store: Store, samples: Sequence[int], before: int) -> str:
    """Say why a store cannot be trained on with so many frames before the last target."""
    if out_of_range := beyond_float32(store):
        return out_of_range
    if store.is_static:
        known = [*(field.name for field in store.static_fields), *store.parameters]
        remedy = f", unless its solution follows from what is given: {', '.join(known)}"
        return "it has no time axis to learn from" + (remedy if known else "")
    if store.num_frames < before + 1:
        return f"a history and its targets need {before + 1} frames, it has {store.num_frames}"
    return "" if samples else "it has no trajectory for training"
