"""The parts of a source that lies in several files."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from matey_core.errors import DataError, combined
from matey_core.sources import Source

Part = TypeVar("Part", bound=Source)


def opened_parts(paths: Iterable[Path], open_one: Callable[[Path], Part]) -> list[Part]:
    """Open every part.

    Raises:
        DataError: some cannot be read; it says of each what is wrong with it.
    """
    parts, errors = [], []
    for path in paths:
        try:
            parts.append(open_one(path))
        except DataError as error:
            errors.append(error)
    if errors:
        raise combined(errors)
    return parts
