"""Folders of `.npy` files: a file a trajectory, or a file a field and a folder a trajectory."""

import re
from collections import Counter
from collections.abc import Collection, Hashable, Sequence
from pathlib import Path

import numpy as np

from matey_core.containers.damage import reading
from matey_core.containers.described import (
    chosen_numbers,
    description_beside,
    description_of,
    numbers_of,
)
from matey_core.containers.lazy import Stored
from matey_core.containers.npy import is_npy, open_npy, open_npz, shape_and_type
from matey_core.errors import ConfigError
from matey_core.files import entries_of
from matey_core.quantities import known_fields, names_a_field
from matey_core.readers import Join
from matey_core.readers.netcdf.dims import step_names

_NUMBER = re.compile(r"\d+")
PARTS = {
    *("train", "training", "test", "testing", "val", "valid", "validation"),
    *("input", "inputs", "output", "outputs", "target", "targets", "label", "labels"),
}
"""Words in names of files that are parts of a data set, and no trajectories of one."""


def children(folder: Path) -> list[Path]:
    """`.npy` files directly in a folder, by name."""
    return [path for path in entries_of(folder) if path.is_file() and is_npy(path)]


def is_one_source(files: Sequence[Path]) -> bool:
    """Whether files have arrays of the same names, shapes and types."""
    return len({_structure(path) for path in files}) == 1


def _structure(path: Path) -> Hashable:
    if is_npy(path):
        return _shape_and_type(path)
    with reading(path):
        return frozenset((n, a.shape, a.dtype.str) for n, a in open_npz(path).items())


def join_of(
    folder: Path, join: Join, dims: int, *, is_repeated: bool = False, has_samples: bool = False
) -> Join:
    """Say what the files of a folder are to each other; `auto` where nothing tells.

    Args:
        folder: with `.npy` files.
        join: what a person says.
        dims: number of dims of a field; arrays with fewer are coordinates and the like.
        is_repeated: whether the names come again in a folder beside.
        has_samples: whether a file has several samples.
    """
    if join != "auto":
        return join
    files = [path for path in children(folder) if len(_shape_and_type(path)[0]) == dims]
    stems = [path.stem for path in files]
    if len(stems) < 2 or len({_shape_and_type(path)[0] for path in files}) > 1:
        return "sample"
    if _has_fields_in_names(stems, least=2):
        return "auto"
    if all(map(names_a_field, stems)) or all(field.component for field in known_fields(stems)):
        return "field"
    if any(map(_NUMBER.search, stems)):
        return "auto" if _has_fields_in_names(stems) else "sample"
    if is_repeated:
        return "field"
    # Files of words alone that have samples each, as `coeff` and `sol`, are no trajectories.
    is_open = has_samples or any(names_a_field(stem) or PARTS & _words(stem) for stem in stems)
    return "auto" if is_open else "sample"


def repeated(folders: Collection[Path]) -> frozenset[Path]:
    """Choose the folders whose names of files come again in one beside, of those found."""
    counts = Counter((folder.parent, _stems(folder)) for folder in folders)
    return frozenset(folder for folder in folders if counts[folder.parent, _stems(folder)] > 1)


def _words(stem: str) -> set[str]:
    return set(re.split(r"[\W_]+", stem.lower()))


def _has_fields_in_names(stems: Sequence[str], *, least: int = 1) -> bool:
    """Whether names are those of fields with a number each, as `case1_u`, `case1_v`, `case2_u`.

    Args:
        stems: the names.
        least: how many numbers each field must have.
    """
    kinds: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    for stem in stems:
        words = tuple(filter(None, re.split(r"[\W_]+", _NUMBER.sub("_", stem))))
        kinds.setdefault(words, set()).add(tuple(_NUMBER.findall(stem)))
    shared = frozenset.intersection(*map(frozenset, kinds))
    own = ["_".join(word for word in words if word not in shared) for words in kinds]
    same_numbers = len({frozenset(numbers) for numbers in kinds.values()}) == 1
    are_enough = min(map(len, kinds.values())) >= least
    return len(kinds) > 1 and same_numbers and are_enough and all(map(names_a_field, own))


def check_folders(found: Collection[Path], join: Join) -> None:
    """Raise where folders beside each other are named like fields and hold the same names.

    Raises:
        ConfigError: as `u/0001.npy` and `v/0001.npy` do.
    """
    same = repeated(found) if join == "auto" else ()
    fields = [path for path in same if names_a_field(path.name)]
    for folder in fields:
        beside = [path for path in fields if path.parent == folder.parent]
        if len(beside) > 1 and not any(names_a_field(stem) for stem in _stems(folder)):
            names = ", ".join(sorted(path.name for path in beside))
            raise ConfigError(
                f"{folder.parent} holds the folders {names}, which are named like fields and hold "
                "files of the same names: it is not clear whether they are fields of one "
                "trajectory.",
                remedy="Give each trajectory a folder of its own with a file a field, such as "
                f"0001/{beside[0].name}.npy. If a folder is a data set, add --join sample.",
            )


def check_join(folder: Path, join: Join) -> None:
    """Raise where nothing tells whether files are trajectories or fields.

    Raises:
        ConfigError: nothing does.
    """
    if join == "auto":
        names = [path.name for path in children(folder)]
        shown = ", ".join(names[:6]) + (", …" if len(names) > 6 else "")
        raise ConfigError(
            f"{folder} holds {shown}: it is not clear whether a file is a field or a trajectory.",
            remedy="Say it: --join field or --join sample. Give each trajectory that has a file a "
            "field a folder of its own.",
        )


def trajectories(folder: Path, join: Join, dims: int) -> list[Path]:
    """List the folders in a folder that are its trajectories: of the same fields and shapes."""
    if children(folder):
        return []
    inner = [path for path in entries_of(folder) if path.is_dir() and children(path)]
    alike = len({tuple(map(_key, children(path))) for path in inner}) == 1
    are_fields = all(join_of(path, join, dims, is_repeated=True) == "field" for path in inner)
    return inner if len(inner) > 1 and alike and are_fields else []


def files_of(path: Path) -> tuple[Path, ...]:
    """Files that a source is read from: arrays, and what describes them."""
    if path.is_dir():
        described = description_of(path)
        return (*children(path), *([described] if described else []))
    described = description_beside(path) if steps_beside(path)[0] else None
    return (path, *([described] if described else []))


def steps_beside(path: Path, dims: Collection[str] = ()) -> tuple[dict[str, float], str]:
    """Steps that the JSON file beside a file of arrays tells, and what else is in it."""
    described = None if path.is_dir() else description_beside(path)
    names = {name for dim in ("time", *"xyz", *dims) for name in step_names(dim.lower())}
    return chosen_numbers(described, names) if described else ({}, "")


def open_fields(folder: Path) -> dict[str, Stored]:
    """Open the fields of a trajectory, and the numbers of the one JSON file beside them.

    Raises:
        DataError: a file cannot be read, or describes too much.
    """
    fields = {path.stem: open_npy(path) for path in children(folder)}
    described = description_of(folder)
    numbers = numbers_of(described) if described else {}
    known = {name: Stored(np.array(value)) for name, value in numbers.items()}
    return {**known, **fields}


def _shape_and_type(path: Path) -> tuple[tuple[int, ...], str]:
    with reading(path):
        return shape_and_type(path)


def _key(path: Path) -> tuple[str, tuple[int, ...], str]:
    return (path.stem, *_shape_and_type(path))


def _stems(folder: Path) -> frozenset[str]:
    return frozenset(path.stem for path in children(folder))
