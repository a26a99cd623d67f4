"""Finished work of a study, a JSON line each, so that a study that was killed goes on."""

import json
import math
import os
from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, TypeVar

from matey_core.cells import METRICS, CellResult, Task, TrainedCell
from matey_core.errors import CheckpointError, RunError
from matey_core.files import opener
from matey_core.journal import finite

AnyTrained = TypeVar("AnyTrained", bound=TrainedCell)
NUMBERS = {"step_seconds", "step_cpu_seconds", "seconds", "validation", "test_seconds"}
"""What can be ∞, which JSON does not have."""


class JsonLines:
    """A file of JSON objects, one a line, each with a key; what a kill cuts off is forgotten."""

    def __init__(self, path: Path) -> None:
        """Read what is there.

        Raises:
            CheckpointError: the file is damaged.
            RunError: it cannot be written.
        """
        self.path = path
        self.rows: dict[str, dict[str, Any]] = {row["key"]: row for row in _whole_lines(path)}

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a line, and wait until the disk has it.

        Raises:
            RunError: the disk is full.
        """
        values = finite(row)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.path, "a", encoding="utf-8", opener=opener) as file:
                file.write(json.dumps(values, allow_nan=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self.rows[values["key"]] = values


class CellLog:
    """What is finished: pretrainings that cells share, and cells."""

    def __init__(self, path: Path) -> None:
        """Read what earlier runs of the study have finished.

        A pretraining counts while its model is in the folder `runs` beside the file: cells alone
        may have been moved here.

        Raises:
            CheckpointError: the file is damaged.
            RunError: it cannot be written.
        """
        self._lines = JsonLines(path)
        self.trainings: dict[str, TrainedCell] = {}
        self.results: dict[str, CellResult] = {}
        for row in self._lines.rows.values():
            if row.get("event") == "pretraining":
                trained = parsed(TrainedCell, row)
                if trained.failure or (path.parent / "runs" / trained.run / "model").is_dir():
                    self.trainings[row["key"]] = trained
            else:
                self.results[row["key"]] = parsed(CellResult, row)

    def add_training(self, key: str, trained: TrainedCell) -> None:
        """Keep what came out of a pretraining.

        Raises:
            RunError: the disk is full.
        """
        self._lines.append({"event": "pretraining", "key": key, **asdict(trained)})
        self.trainings[key] = trained

    def add(self, task: Task, result: CellResult) -> None:
        """Keep the result of a cell, with its place in the study for those who read the file.

        Raises:
            RunError: the disk is full.
        """
        point = task.point
        names: dict[str, Any] = {"at": point.at, "arm": point.arm, "seed": point.seed}
        names["learning_rate"] = point.learning_rate
        self._lines.append({"event": "cell", "key": task.cell.key, **names, **asdict(result)})
        self.results[task.cell.key] = result


def parsed(kind: type[AnyTrained], row: Mapping[str, Any]) -> AnyTrained:
    """Read a line of the log; null stands for ∞.

    Raises:
        CheckpointError: the line is damaged.
    """
    try:
        row = {"steps": row.get("step"), **row}  # 0.1 called them so
        values = {each.name: row[each.name] for each in fields(kind) if each.name in row}
        for key in values.keys() & NUMBERS:
            values[key] = number(values[key])
        for key in values.keys() & {"errors", "persistence"}:
            values[key] = {name: number(values[key][name]) for name in METRICS}
        for key in values.keys() & {"leads", "persistence_leads", "spread_leads"}:
            values[key] = tuple(map(number, values[key]))
        return kind(**values)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"A line of cells.jsonl is damaged: {error!r}.",
            remedy="Remove the line; its cell is then made again.",
        ) from error


def _whole_lines(path: Path) -> list[dict[str, Any]]:
    """All complete lines; what a kill has cut off is removed from the file."""
    if not path.exists():
        return []
    text = path.read_bytes()
    end = text.rfind(b"\n") + 1
    if end < len(text):
        try:
            os.truncate(path, end)
        except OSError as error:
            raise _unwritable(path, error) from error
    rows = []
    for number, line in enumerate(text[:end].splitlines(), start=1):
        try:
            row = json.loads(line)
            if not isinstance(row, dict) or not isinstance(row.get("key"), str):
                raise ValueError("it is not an object with a key")
        except ValueError as error:
            raise CheckpointError(
                f"{path}, line {number}, is damaged: {error}.",
                remedy="Remove the line; its cell is then made again.",
            ) from error
        rows.append(row)
    return rows


def number(value: float | None) -> float:
    """Read a number of a JSON line; null stands for ∞."""
    return math.inf if value is None else float(value)


def _unwritable(path: Path, error: OSError) -> RunError:
    return RunError(
        f"{path} cannot be written: {error.strerror or error}.",
        remedy="Free some space; finished cells are kept.",
    )
