"""The command that may read a file of a layout that nobody knows: a guess to be looked at."""

import re
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from matey_core.containers.lazy import Stored
from matey_core.containers.matlab5 import CLASS
from matey_core.containers.tree import MATLAB
from matey_core.containers.views import STAR, matches
from matey_core.errors import ConfigError
from matey_core.readers.hdf5.beside import relation
from matey_core.readers.hdf5.fields import is_floating, known_recipe, reference, unique_names
from matey_core.readers.hdf5.places import place_of

FEW = 4
"""A last dim of so many points at most is one of components."""
MOST_FIELDS = 12
MATLAB_DIMS = {
    2: ("sample", "x"),
    3: ("sample", "y", "x"),
    4: ("sample", "y", "x", "time"),
}
"""As the data sets of Fourier neural operators have them."""
LEADING: dict[str, tuple[str, ...]] = {"none": ("sample", "time"), "samples": ("time",)}
"""Dims that may come first, by what the files beside are."""
COMPONENT = "component"
"""Name of the dim of a vector's components."""
_NUMBER = re.compile(r"\d+(?!.*\d)")


def proposed(path: Path, arrays: Mapping[str, Stored]) -> tuple[str, ...]:
    """Words of the command, without `matey`; none if no array can be a field."""
    words = ("prepare", "hdf5")
    if known_recipe(arrays):
        return (*words, str(path))
    floating = {p: a for p, a in arrays.items() if is_floating(a) and a.shape}
    if not floating:
        return ()
    rank = max(len(array.shape) for array in floating.values())
    shape = reference(floating, rank) or ()
    alike = [path for path, array in floating.items() if array.shape == shape]
    pattern = _pattern(alike)
    is_matlab = bool({MATLAB, CLASS} & floating[alike[0]].attributes.keys())
    others = "none" if pattern or is_matlab else relation(path, arrays, rank)
    if pattern:
        first = "time" if STAR in pattern.rpartition("/")[2] else "sample"
        paths = list(dict.fromkeys(filter(None, (_starred(path, pattern) for path in alike))))
        dims = (first, *_dims(shape, ("time",) if first == "sample" else ()))
        shape = (0, *shape)
    else:
        leading = ("time",) * (shape[0] == 1) if others == "times" else LEADING[others]
        paths, dims = alike, _dims(shape, leading)
        if is_matlab and len(shape) in MATLAB_DIMS:
            dims = MATLAB_DIMS[len(shape)]
    dims = _by_positions(dims, shape, arrays)
    beside = [path for path, array in floating.items() if array.shape == shape[:-1]]
    if "field" in dims and beside:  # What has a dim more is a vector.
        paths, dims = paths + beside, (*dims[:-1], COMPONENT)
    names = unique_names(paths[:MOST_FIELDS])
    fields = [p if n == p else f"{n.strip(STAR + '_-.') or 'u'}={p}" for n, p in names.items()]
    more = ("--component-dim", COMPONENT) if COMPONENT in dims else ()
    join = ("--join", "time") if others == "times" else ()
    place = path if others == "none" else path.parent
    said = ("--fields", ",".join(fields), "--dims", ",".join(dims))
    return (*words, str(place), *said, *more, *join)


def _pattern(paths: Sequence[str]) -> str:
    """A path with a star that stands for several of the paths: for a group, or a number."""
    for path in paths[:1]:
        parts = path.split("/")
        starred = ["/".join((*parts[:i], STAR, *parts[i + 1 :])) for i in range(len(parts) - 1)]
        starred += [_NUMBER.sub(STAR, path)]
        for pattern in starred:
            if STAR in pattern and len(matches(pattern, paths)) > 1:
                return pattern
    return ""


def _starred(path: str, pattern: str) -> str:
    """A path with the star in the same place; empty where it has no such place."""
    place = pattern.split("/").index(STAR) if STAR in pattern.split("/") else None
    if place is None:
        return _NUMBER.sub(STAR, path) if _NUMBER.search(path) else ""
    parts = path.split("/")
    return "/".join((*parts[:place], STAR, *parts[place + 1 :])) if len(parts) > place else ""


def _dims(shape: Sequence[int], first: Sequence[str]) -> tuple[str, ...]:
    """What the dims usually are, where some of `first` may lead."""
    has_field = len(shape) > 2 and shape[-1] <= FEW
    left = len(shape) - has_field
    leading = tuple(first[max(0, len(first) - max(left - 2, 1)) :]) if left > 1 else ()
    leading = leading if left - len(leading) <= 3 else tuple(first)
    axes = ("z", "y", "x")[-max(left - len(leading), 1) :]
    return (*leading, *axes, *(("field",) if has_field else ()))


def _by_positions(
    dims: tuple[str, ...], shape: Sequence[int], arrays: Mapping[str, Stored]
) -> tuple[str, ...]:
    """Dims corrected by arrays of positions whose lengths tell which dim they belong to."""
    found = list(dims)
    for path, array in arrays.items():
        dim = place_of(path.rpartition("/")[2]) or ""
        length = array.shape[-1] if array.shape else 0
        places = [index for index, points in enumerate(shape) if points == length]
        if dim in found and len(places) == 1 and found[places[0]] not in ("sample", dim):
            old = found.index(dim)
            found[old], found[places[0]] = found[places[0]], dim
    return tuple(found)


def asks(path: Path, arrays: Mapping[str, Stored]) -> ConfigError:
    """Say that a file does not tell what its dims are, and what might be typed."""
    shown = ", ".join(f"{p} {a.shape} {a.dtype}" for p, a in list(arrays.items())[:12])
    command = shlex.join(("matey", *proposed(path, arrays)))
    return ConfigError(
        f"{path} does not say what its arrays and their dims are; it holds {shown or 'none'}.",
        remedy=f"Name fields, and all dims in order; it may be: {command}"
        if proposed(path, arrays)
        else "Name another file: fields are arrays of a floating type.",
    )
