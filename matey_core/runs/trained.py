"""What an earlier run left: a model, the history it was trained with, and its stores."""

from dataclasses import dataclass
from pathlib import Path

from matey_core.errors import CheckpointError, DataError
from matey_core.hubs.pulling import pulled
from matey_core.locations import recorded_location
from matey_core.models import Model, given_names, load_model
from matey_core.runs.folder import RunFolder, StoreRecord, newest_run, run_toml
from matey_core.runs.origin import read_origin
from matey_core.runs.project import project
from matey_core.runs.sources import readable
from matey_core.store import Store, find_stores, open_store

HISTORY = 4
"""Frames of a history where no run says how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """A model on disk."""

    path: Path
    """The model directory."""
    out: Path
    """Where results about it belong: the run's folder, or the model directory itself."""
    history: int = HISTORY
    """Frames it was trained with."""
    records: tuple[StoreRecord, ...] = ()
    """Stores of the run, and of those it started from."""
    has_places: bool = True
    """Whether the records say where the stores are; a model without its run knows names alone."""
    tuned_on: frozenset[str] = frozenset()
    """Fingerprints of a fine-tuning's own stores; empty for other runs."""

    def load(self) -> Model:
        """Load the weights."""
        return load_model(self.path)

    def given(self) -> tuple[str, ...]:
        """Names of what the model is given beside its history, without loading it.

        Raises:
            CheckpointError: its description is damaged.
        """
        return given_names(self.path)

    def open_stores(self) -> list[Store]:
        """Open the stores of the run, each once.

        Raises:
            DataError: one is gone or damaged, or is not on this machine, or it is not recorded
                where they are.
        """
        if not self.has_places:
            names = ", ".join(dict.fromkeys(record.name for record in self.records))
            raise DataError(
                f"{self.path} was trained on {names}, and does not say where that is.",
                remedy="Name a folder of stores with --data.",
            )
        places = dict.fromkeys(record.path for record in self.records)
        # Stores of trainings before a fine-tuning may be on another machine.
        own = {record.path for record in self.records if record.fingerprint in self.tuned_on}
        stores = []
        for place in places:
            location = recorded_location(place)
            if not location.is_dir():
                if own and place not in own:
                    continue
                raise DataError(
                    f"{place}, which the model was trained on, is gone.",
                    remedy="Name the folder where the stores are with --data.",
                )
            stores.append(open_store(location))
        return stores

    def trained_samples(self, store: Store) -> frozenset[int]:
        """Trajectories of a store that have trained the model, as far as is known."""
        return frozenset(
            sample
            for record in self.records
            if record.fingerprint == store.fingerprint
            for sample in record.samples
        )


def find_trained(path: Path | None, *, runs: Path) -> Trained:
    """Open a run or a model directory, or the newest run.

    Args:
        path: what was asked for; a name is looked up in `runs` as well. `hub:OWNER/NAME`, and a
            model that comes with the package, is pulled into `runs` once.
        runs: folder of the runs.

    Raises:
        CheckpointError: `path` is neither, or there is no run with a model.
    """
    if path is None:
        newest = newest_run(runs)
        if newest is None:
            raise CheckpointError(
                f"{runs} has no run with a model.",
                remedy="Train one with `matey pretrain`, name a run or model directory, or "
                "matey-tiny, which comes with matey.",
            )
        return _of_run(newest)
    for candidate in (path, runs / path):
        if (candidate / "model" / "model.json").is_file():
            return _of_run(RunFolder(candidate))
        if (candidate / "model.json").is_file():
            if (candidate.parent / "data.json").is_file():
                return _of_run(RunFolder(candidate.parent))
            return _of_model(candidate)
    if place := pulled(path, hub=project().hub, runs=runs):
        return find_trained(place, runs=runs)
    raise CheckpointError(
        f"{path} is no run and no model directory: it has neither model/model.json nor model.json.",
        remedy="`matey runs` lists the runs; the newest is taken where none is named.",
    )


def _of_run(run: RunFolder) -> Trained:
    history = run_toml(run.config).get("history", HISTORY)
    if not isinstance(history, int) or history < 1:
        raise CheckpointError(f"{run.config}: history should be a positive number, not {history}.")
    return Trained(
        path=run.model,
        out=run.path,
        history=history,
        records=run.stores(),
        tuned_on=frozenset(record.fingerprint for record in run.tuned_on()),
    )


def _of_model(folder: Path) -> Trained:
    """A model directory without its run, which says itself how it was trained."""
    origin = read_origin(folder)
    if origin is None:
        return Trained(path=folder, out=folder)
    return Trained(
        path=folder,
        out=folder,
        history=origin.history,
        records=origin.stores,
        has_places=False,
    )


def moving_stores(folder: Path) -> list[Store]:
    """Open all readable stores below `folder` that have more than one time.

    Warns:
        MateyWarning: a store is left out, because it cannot be read.

    Raises:
        DataError: there are stores, and none can be read.
    """
    return [store for store in readable(find_stores(folder)) if not store.is_static]
