"""Run folders: what they record, and which one is the newest; read without torch.

runs/<name>/  config.toml  versions.json  data.json  [start.json]  journal.jsonl  lock
              checkpoints/  model/  [rollout/  scores.json]
"""

import json
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tomli_w
from pydantic import TypeAdapter

from matey_core.config import read_toml
from matey_core.descriptions import check_known, scales_of
from matey_core.durable import written
from matey_core.errors import CheckpointError, MateyError, MateyWarning
from matey_core.fields import Boundary, GivenScale
from matey_core.files import check_regular, read_json
from matey_core.journal import Journal
from matey_core.locks import locked
from matey_core.store import Store

if TYPE_CHECKING:
    from matey_core.training import CheckpointFolder

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,199}")
"""Shorter than file systems allow, as what is being written has longer names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreRecord:
    """A store that a model has been trained on."""

    name: str
    fingerprint: str
    path: str
    fields: tuple[str, ...]
    samples: tuple[int, ...] = ()
    """Trajectories of it that trained the model, in this run or before."""
    units: tuple[str, ...] = ()
    """Of the fields; empty where an earlier version of matey wrote the record, as are the rest."""
    axes: tuple[str, ...] = ()
    shape: tuple[int, ...] = ()
    boundary: tuple[Boundary, ...] = ()
    time_step: float | None = None
    license: str = ""
    """Of the data; empty where it is not known."""
    time_unit: str | None = None
    """Of the time step; 1 where the data names none, None in records of earlier versions."""

    @property
    def time_step_in_words(self) -> str:
        """The time step with its unit, or with the remark that it has none; empty if not known."""
        if self.time_step is None:
            return ""
        unit = "" if self.time_unit is None else f" {self.time_unit}"
        return f"{self.time_step:g}{', no unit' if self.time_unit in ('', '1') else unit}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneStart:
    """What a fine-tuning began with, which its checkpoints do not say."""

    fields: tuple[str, ...]
    """Fields that the model knew before."""
    num_axes: tuple[int, ...]
    """Numbers of axes that it knew before."""
    stores: tuple[StoreRecord, ...]
    """Stores of this run alone."""
    base_sha256: str | None = None
    """Of the weights that what is saved adds to; None where whole models are saved."""
    given: Mapping[str, GivenScale] = field(default_factory=dict)
    """What the model was given before beside its history."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """One run."""

    path: Path

    @property
    def model(self) -> Path:
        """The best weights so far, with all that is needed to use them."""
        return self.path / "model"

    @property
    def config(self) -> Path:
        """All settings, resolved."""
        return self.path / "config.toml"

    @property
    def report(self) -> Path:
        """The run as one page, written when its training has ended."""
        return self.path / "report.html"

    @property
    def checkpoints(self) -> "CheckpointFolder":
        """What the run can continue from."""
        # Imports torch, which listing runs does not need.
        from matey_core.training import CheckpointFolder

        return CheckpointFolder(self.path / "checkpoints")

    def journal(self, *, is_writer: bool = True) -> Journal:
        """What happened in the run."""
        return Journal(self.path / "journal.jsonl", is_writer=is_writer)

    def locked(self) -> AbstractContextManager[None]:
        """Keep other processes from training in the run until the block ends.

        Raises:
            RunError: another process does; the error says which.
        """
        return locked(
            self.path,
            busy=f"Another process is training {self.path} just now.",
            remedy="Wait for it, or end it first.",
        )

    @property
    def has_begun(self) -> bool:
        """Whether there is anything to go on from; a kill may come before."""
        return bool(self.checkpoints.steps()) or self.model.exists()

    def versions(self) -> dict[str, Any]:
        """The record that `create_run` made; nothing but a warning where it cannot be read.

        A disk that was full leaves it empty, and the run is whole without it.
        """
        try:
            return self.strict_versions()
        except CheckpointError as error:
            said = f"{error} Nothing is known of when and with what {self.path.name} was made."
            warnings.warn(said, MateyWarning, stacklevel=2)
            return {}

    def strict_versions(self) -> dict[str, Any]:
        """The same record.

        Raises:
            CheckpointError: it is missing or damaged.
        """
        return _read_json(self.path / "versions.json")

    def stores(self) -> tuple[StoreRecord, ...]:
        """Stores that the model has seen, in this run and those before it.

        Raises:
            CheckpointError: the record is missing or damaged.
        """
        path = self.path / "data.json"
        return store_records(_read_json(path), path)

    def record_stores(self, records: Sequence[StoreRecord]) -> None:
        """Write which stores the model sees."""
        with written(self.path / "data.json") as partial:
            rows = {"stores": [asdict(record) for record in records]}
            partial.write_text(json.dumps(rows, indent=1), encoding="utf-8")

    def record_length(self, length: Mapping[str, int | float]) -> None:
        """Write how long the training is, where that has changed.

        Args:
            length: `steps` or `minutes`.
        """
        values = run_toml(self.config)
        if {**values, **length} != values:
            with written(self.config) as partial:
                partial.write_text(tomli_w.dumps({**values, **length}), encoding="utf-8")

    def started(self) -> FinetuneStart:
        """What a fine-tuning began with.

        Raises:
            CheckpointError: the record is missing or damaged.
        """
        path = self.path / "start.json"
        if not path.exists():
            raise CheckpointError(
                f"{self.path} cannot be continued: it has no start.json.",
                remedy="Version 0.1 did not write it. Start again, or fine-tune its model further: "
                f"matey finetune {self.path}.",
            )
        found = _read_json(path)
        check_known(found.get("fields"), found.get("num_axes"), path=path)
        return FinetuneStart(
            fields=tuple(found["fields"]),
            num_axes=tuple(found["num_axes"]),
            stores=store_records(found, path),
            base_sha256=found.get("base_sha256"),
            given=scales_of(found, path=path),
        )

    def tuned_on(self) -> tuple[StoreRecord, ...]:
        """Stores of a fine-tuning itself, without those of the runs before it.

        Empty for other runs, and for fine-tunings of version 0.1.

        Raises:
            CheckpointError: the record is damaged.
        """
        return self.started().stores if (self.path / "start.json").exists() else ()

    def record_start(self, start: FinetuneStart) -> None:
        """Write what a fine-tuning begins with."""
        with written(self.path / "start.json") as partial:
            partial.write_text(json.dumps(asdict(start), indent=1), encoding="utf-8")


def record_of(store: Store, samples: Sequence[int]) -> StoreRecord:
    """Describe a store and the trajectories of it that train."""
    return StoreRecord(
        name=store.name,
        fingerprint=store.fingerprint,
        path=str(store.path),
        fields=store.spec.names,
        samples=tuple(samples),
        units=tuple(field.unit for field in store.spec.fields),
        axes=store.spec.grid.axes,
        shape=store.spec.grid.shape,
        boundary=store.spec.grid.boundary,
        time_step=store.spec.time_step,
        license=store.license,
        time_unit=store.units.get("time", ""),
    )


def run_toml(path: Path) -> dict[str, Any]:
    """Read the `config.toml` of a run.

    Raises:
        ConfigError: it cannot be read.
        CheckpointError: it is a pipe or a device.
    """
    try:
        check_regular(path)
    except OSError as error:
        raise CheckpointError(f"{error}.", remedy="Name another run.") from error
    return read_toml(path)


def newest_run(
    runs: Path, *, kind: str | None = None, needs: Callable[[RunFolder], bool] | None = None
) -> RunFolder | None:
    """The run that was started last; None if there is none.

    A clock that was set back does not matter: runs count those beside them.

    Runs that cannot be read are passed over, with a warning.

    Args:
        runs: folder of all runs.
        kind: only runs of this command.
        needs: only runs for which this is true; by default, those with a model.
    """
    needs = needs or (lambda run: (run.model / "model.json").is_file())
    found = []
    for record in runs.glob("*/versions.json"):
        run = RunFolder(record.parent)
        try:
            facts = run.strict_versions()
            if kind in (None, facts.get("kind")) and needs(run):
                run_toml(run.config)
                run.stores()
                found.append((*order_of(facts), run.path))
        except MateyError as error:
            warnings.warn(f"{run.path} is left out: {error}", MateyWarning, stacklevel=2)
    return RunFolder(max(found)[-1]) if found else None


def order_of(facts: Mapping[str, Any]) -> tuple[int, str]:
    """What sorts runs as they were started: by their count, then by the clock.

    Args:
        facts: `versions.json` of the run; that of older runs has no count.
    """
    count = facts.get("order", 0)
    return (count if isinstance(count, int) else 0, str(facts.get("started", "")))


def store_records(found: dict[str, Any], path: Path) -> tuple[StoreRecord, ...]:
    """Read the records of stores that a file holds.

    Raises:
        CheckpointError: they are damaged.
    """
    try:
        records = found["stores"]
        if any("samples" not in row for row in records):
            raise KeyError("samples")
        return TypeAdapter(tuple[StoreRecord, ...]).validate_python(records)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{path} is damaged: {error!r}.") from error


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = read_json(path)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path} cannot be read: {error}.") from error
    if not isinstance(content, dict):
        raise CheckpointError(f"{path} is damaged: it holds no JSON object.")
    return content
