"""What happened, one JSON object a line."""

import json
import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from matey_core.durable import sync, written
from matey_core.errors import CheckpointError, RunError
from matey_core.files import check_regular, opener, parse_json

LONGEST = 2**24
"""Characters of a line; longer ones are damage."""


class Journal:
    """Appends lines to a file; every line says which step it belongs to, and when it was written.

    Journals of earlier versions have no times.
    """

    def __init__(self, path: Path, *, is_writer: bool = True) -> None:
        """Name the file, which is made by the first line.

        Args:
            path: the file.
            is_writer: whether this process writes it; otherwise every line is dropped.
        """
        self.path = path
        self.is_writer = is_writer

    def write(self, event: str, *, step: int, **facts: Any) -> None:
        """Add a line. Numbers that are not finite become null, as JSON has none of them.

        Raises:
            RunError: the disk is full or not writable.
        """
        if not self.is_writer:
            return
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        row = {"event": event, "step": step, "time": now, **finite(facts)}
        line = json.dumps(row, allow_nan=False)
        try:
            with open(self.path, "a", encoding="utf-8", opener=opener) as file:
                file.write(line + "\n")
        except OSError as error:
            raise RunError(
                f"{self.path} cannot be written: {error.strerror or error}.",
                remedy="Free some space.",
            ) from error

    def read(self) -> list[dict[str, Any]]:
        """All lines; see `rows`."""
        return list(self.rows())

    def rows(self) -> Iterator[dict[str, Any]]:
        """Give one line after another; a last one that was cut off is left out.

        A long training has a journal that is larger than other files may be.

        Raises:
            CheckpointError: the file is no journal.
        """
        if not self.path.exists():
            return
        problem: ValueError | None = None
        for number, line in enumerate(self._lines(), start=1):
            if problem is not None:
                raise CheckpointError(
                    f"{self.path}, line {number - 1}, is not of a journal: {problem}."
                ) from problem
            try:
                row = _row(line)
            except ValueError as error:
                problem = error
            else:
                yield row

    def _lines(self) -> Iterator[str]:
        try:
            check_regular(self.path)
            with open(self.path, encoding="utf-8") as file:
                while line := file.readline(LONGEST):
                    yield line
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{self.path} cannot be read: {error}.") from error

    def rewind(self, step: int) -> None:
        """Forget what happened after `step`, because it will happen again."""
        if not self.is_writer:
            return
        with written(self.path) as partial, open(partial, "w", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in self.rows() if row["step"] <= step)

    def clear(self) -> None:
        """Forget what a start wrote that saved nothing."""
        if self.is_writer:
            self.path.unlink(missing_ok=True)

    def sync(self) -> None:
        """Have all lines on the disk, before a checkpoint that presumes them."""
        if self.is_writer and self.path.exists():
            sync(self.path)


def _row(line: str) -> dict[str, Any]:
    """Read a line: an event, its step, and more."""
    row = parse_json(line)
    if not isinstance(row, dict) or not isinstance(row.get("event"), str):
        raise ValueError("it tells of no event")
    if type(row.get("step")) is not int:
        raise ValueError("it has no step")
    return row


def finite(value: Any) -> Any:
    """The same values as JSON can hold: numbers that are not finite become None.

    Args:
        value: a number or text, or dictionaries and lists of them.
    """
    if isinstance(value, Mapping):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [finite(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
