"""The JSON file beside plain arrays, and the numbers that it says of them."""

import math
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from matey_core.errors import DataError, MateyError
from matey_core.files import entries_of, read_json, version

SUFFIX = ".json"
MOST_NUMBERS = 1000
"""More are no parameters of a trajectory, and each would be an array of its own."""
SHOWN = 6
"""Names of numbers that are told at most."""


def description_of(folder: Path) -> Path | None:
    """The only JSON file in a folder, such as `case.json`; None where there are several."""
    found = [path for path in entries_of(folder) if path.suffix.lower() == SUFFIX]
    return found[0] if len(found) == 1 and found[0].is_file() else None


def description_beside(path: Path) -> Path | None:
    """The only JSON file beside a file; a folder with many files is listed once."""
    return _beside(path.parent, version(path.parent.stat()))


@lru_cache(maxsize=16)
def _beside(folder: Path, version: tuple[int, ...]) -> Path | None:
    return description_of(folder)


def numbers_of(described: Path) -> dict[str, float]:
    """Read the numbers of an object, and of objects in it under joined names.

    Raises:
        DataError: there are too many.
        OSError: the file cannot be read.
        ValueError: it is no JSON.
    """
    numbers = _numbers(read_json(described))
    if len(numbers) > MOST_NUMBERS:
        raise DataError(
            f"{described} holds {len(numbers):,} numbers; at most {MOST_NUMBERS:,} are parameters.",
            remedy="Leave in it what is constant in the equation, or move it away.",
        )
    return numbers


def chosen_numbers(described: Path, names: Collection[str]) -> tuple[dict[str, float], str]:
    """Read numbers of some names, in any case, and say what else is in the file."""
    try:
        numbers = numbers_of(described)
    except (MateyError, OSError, ValueError):
        return {}, f"{described.name}, which cannot be read"
    chosen = {name: value for name, value in numbers.items() if name.lower() in names}
    others = [name for name in numbers if name not in chosen]
    shown = ", ".join(others[:SHOWN]) + (", …" if len(others) > SHOWN else "")
    return chosen, f"{shown} in {described.name}" if others else ""


def _numbers(found: Any, prefix: str = "") -> dict[str, float]:
    if not isinstance(found, Mapping):
        return {}
    numbers: dict[str, float] = {}
    for key, value in found.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            numbers |= _numbers(value, f"{name}_")
        elif type(value) in (int, float) and math.isfinite(value) and name.isidentifier():
            numbers[name] = float(value)
    return numbers
