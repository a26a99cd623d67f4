"""What the files beside one of an unknown layout are to it: trajectories, or its other times."""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import numpy as np

from matey_core.containers.lazy import Stored
from matey_core.containers.tree import arrays_of, attributes_of, is_container
from matey_core.errors import MateyError
from matey_core.files import entries_of
from matey_core.readers.hdf5.places import place_of
from matey_core.readers.netcdf.clock import ATTRIBUTES
from matey_core.sources.in_time import FEWEST, numbers_of

Relation = Literal["none", "samples", "times"]
MOST_OPENED = 4
"""Files that are compared; a folder may hold thousands."""


def relation(path: Path, arrays: Mapping[str, Stored], rank: int) -> Relation:
    """Guess what the files of a folder are to each other; "none" if they are not alike.

    Args:
        path: one of them.
        arrays: what is in it.
        rank: dims of its fields.
    """
    try:
        files = [p for p in entries_of(path.parent) if p.suffix == path.suffix and p.is_file()]
        chosen = [file for file in files[:MOST_OPENED] if file != path and is_container(file)]
        if not chosen or any(_shapes(arrays_of(file)) != _shapes(arrays) for file in chosen):
            return "none"
    except (MateyError, OSError):
        return "none"
    is_counted = len(files) >= FEWEST and numbers_of(files) is not None
    return "times" if is_counted and (rank == 2 or _has_a_time(path, arrays)) else "samples"


def _shapes(arrays: Mapping[str, Stored]) -> dict[str, tuple[int, ...]]:
    return {name: array.shape for name, array in arrays.items()}


def _has_a_time(path: Path, arrays: Mapping[str, Stored]) -> bool:
    """Whether a file has a single number that is its time."""
    single = [name for name, array in arrays.items() if np.prod(array.shape) == 1]
    found = any(place_of(name.rpartition("/")[2]) == "time" for name in single)
    attributes = attributes_of(path).items()
    return found or any(
        name.lower() in ATTRIBUTES and np.size(value) == 1 for name, value in attributes
    )
