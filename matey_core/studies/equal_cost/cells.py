"""Cells of a study: what is trained, under which name, and what came out."""

import hashlib
import json
import math
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from matey_core.errors import CheckpointError
from matey_core.store import Store
from matey_core.studies.equal_cost.arms import Arm
from matey_core.training import Journal
from matey_core.workflows.pretrain import PretrainConfig

METRICS = ("nrmse", "vrmse", "rollout")
"""One-step nRMSE and VRMSE, and the mean nRMSE of all frames of a short rollout."""
PLACES = {"runs", "name", "data", "workers"}
"""Settings that change no result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """How every trained model is tested."""

    rollout_steps: int
    windows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One model to train and test."""

    key: str
    """Hash of its settings and of its data."""
    store: str
    arm: Arm
    config: PretrainConfig
    """Complete: `matey pretrain` does the same with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CellResult:
    """What came out of a cell; where training diverged, errors are ∞."""

    key: str
    store: str
    arm: str
    seed: int
    learning_rate: float
    steps: int
    run: str
    step_seconds: float
    """Mean time of a step while training, validations and checkpoints left out."""
    validation: float
    """One-step nRMSE on validation windows."""
    errors: dict[str, float]
    """Metric → error on test trajectories."""
    persistence: dict[str, float]
    """The same of repeating the last known frame."""
    leads: tuple[float, ...]
    """nRMSE of every frame of the rollout."""
    failure: str = ""
    """Why there is no model; empty where there is one."""


def cell_of(
    arm: Arm,
    *,
    base: PretrainConfig,
    store: Store,
    evaluation: Evaluation,
    seed: int,
    steps: int,
    learning_rate: float,
    runs: Path,
) -> Cell:
    """Write out all settings of a cell.

    Args:
        arm: its tokenization.
        base: what all cells share.
        store: the data of the cell.
        evaluation: how it is tested.
        seed: of weights and batches.
        steps: optimizer steps.
        learning_rate: the largest one.
        runs: folder of the runs of the study.
    """
    config = base.model_copy(
        update={
            "data": store.path,
            "model": arm.model(base.model),
            "seed": seed,
            "steps": steps,
            "optimizer": base.optimizer.model_copy(update={"learning_rate": learning_rate}),
            "runs": runs,
        }
    )
    content = {
        "settings": identity(config),
        "store": store.fingerprint,
        "evaluation": asdict(evaluation),
    }
    key = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:12]
    name = f"{arm.name}-{steps}-seed{seed}-{key}"
    return Cell(key=key, store=store.name, arm=arm, config=config.model_copy(update={"name": name}))


def identity(config: PretrainConfig) -> dict[str, Any]:
    """Settings that change results, in the form that keys of cells have been made of since 0.1.

    Settings that 0.1 could not express stand as they are.
    """
    values = config.model_dump(mode="json", exclude=PLACES)
    if values["objective"] == {"name": "one_step"} and values["loss"].keys() == {"name"}:
        values["objective"] = values.pop("loss")["name"]
    if values["optimizer"]["name"] == "adamw":
        values |= {key: each for key, each in values.pop("optimizer").items() if key != "name"}
    if values["schedule"]["name"] == "warmup_cosine":
        values |= {"warmup": values.pop("schedule")["warmup"]}
    strengths = {part["strength"] for part in values["augment"] if part["name"] == "noise"}
    others = {part["strength"] for part in values["augment"] if part["name"] != "noise"}
    if len(strengths) <= 1 and others <= {1.0}:
        values["augment"] = [part["name"] for part in values["augment"]]
        values["noise"] = next(iter(strengths), 0.3)
    return values


class CellLog:
    """Finished cells, a JSON line each."""

    def __init__(self, path: Path) -> None:
        """Read what earlier runs of the study have finished.

        Raises:
            CheckpointError: the file is damaged.
        """
        self._journal = Journal(path)
        if path.exists():
            self._journal.rewind(sys.maxsize)  # drops a last line that a kill has cut off
        self.results = {result.key: result for result in map(_parsed, self._journal.read())}

    def add(self, result: CellResult) -> None:
        """Keep the result of a cell.

        Raises:
            RunError: the disk is full.
        """
        values = asdict(result)
        self._journal.write("cell", step=values.pop("steps"), **values)
        self.results[result.key] = result

    def has_all(self, cells: Sequence[Cell]) -> bool:
        """Whether all of them are finished."""
        return all(cell.key in self.results for cell in cells)


def _parsed(row: dict[str, Any]) -> CellResult:
    names = {field.name for field in fields(CellResult)}
    try:
        values: dict[str, Any] = {key: row[key] for key in names - {"steps"}}
        for key in ("step_seconds", "validation"):
            values[key] = _number(row[key])
        for key in ("errors", "persistence"):
            values[key] = {name: _number(row[key][name]) for name in METRICS}
        values["leads"] = tuple(map(_number, row["leads"]))
        return CellResult(steps=row["step"], **values)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"A line of cells.jsonl is damaged: {error!r}.",
            remedy="Remove the line; its cell is then trained again.",
        ) from error


def _number(value: float | None) -> float:
    """A number as the log holds it, where null stands for ∞."""
    return math.inf if value is None else float(value)
