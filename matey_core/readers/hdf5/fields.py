"""Which arrays of a file are fields: what a person says, or what the layout tells."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py

from matey_core.containers.hdf5 import datasets, groups
from matey_core.containers.lazy import Stored
from matey_core.containers.tree import num_bytes
from matey_core.containers.views import STAR, matches, stacked
from matey_core.errors import ConfigError
from matey_core.readers._options import pairs

LARGEST = 8
"""Bytes of a float64."""
PLACES = {"xcoor", "ycoor", "zcoor"}
"""Positions in cutouts of JHTDB."""
SPLITS = ("train", "valid", "validation", "test")
"""Groups that PDEArena keeps its arrays in."""
_CUTOUT = re.compile(r"(Velocity|Pressure|Density|Temperature|MagneticField|VectorPotential)_\d+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a file is read: what else a person would have to say."""

    fields: dict[str, str]
    """Name → path, in which a star stands for several arrays."""
    dims: tuple[str, ...] = ()
    """Of the arrays, in order; none where these name their own."""


def is_floating(array: Stored) -> bool:
    """Whether values are floating-point numbers that a store can hold."""
    return array.dtype.kind == "f" and array.dtype.itemsize <= LARGEST


def known_recipe(arrays: Mapping[str, Stored]) -> Recipe | None:
    """Recipe of a layout that tells all about itself: named dims, JHTDB's cutouts, PDEArena."""
    named = [path for path, array in arrays.items() if is_floating(array) and array.dims]
    grids = [path for path in named if len(arrays[path].shape) > 1]
    if grids or any(arrays[path].dims != (_name(path),) for path in named):
        return Recipe(fields=unique_names(grids or named))
    if arrays.keys() >= PLACES:
        kinds = sorted({hit[1] for path in arrays if (hit := _CUTOUT.fullmatch(path))})
        fields = {kind.lower(): f"{kind}_{STAR}" for kind in kinds}
        return Recipe(fields=fields, dims=("time", "z", "y", "x", "field")) if fields else None
    for folder in SPLITS:
        found = {p: a for p, a in arrays.items() if p.rpartition("/")[0] == folder}
        fields = {_name(p): p for p, a in found.items() if is_floating(a) and len(a.shape) == 4}
        places = {f"{folder}/{axis}" for axis in "txy"}
        if fields and places <= found.keys() and all(len(found[p].shape) == 2 for p in places):
            return Recipe(fields=fields, dims=("sample", "time", "x", "y"))
    return None


def may_tell(file: h5py.File) -> bool:
    """Whether a file may be a cutout of JHTDB, of PDEArena or Dedalus, told quickly."""
    inner, arrays = groups(file), datasets(file)
    return all(name in arrays for name in PLACES) or any(
        name in inner for name in (*SPLITS, "tasks")
    )


def unique_names(paths: Sequence[str]) -> dict[str, str]:
    """Name arrays by the last part of their paths, or by all of it where that is not unique."""
    counts = Counter(map(_name, paths))
    return {_name(p) if counts[_name(p)] == 1 else p.replace("/", "_"): p for p in paths}


def said_fields(path: Path, entries: Sequence[str], arrays: Mapping[str, Stored]) -> dict[str, str]:
    """Read `--fields`: `NAME=PATH`, `PATH=NAME` or a lone `PATH`, whose last part is the name.

    Raises:
        ConfigError: an entry names no array, or names are not distinct.
    """
    found: dict[str, str] = {}
    for left, right in pairs("fields", entries).items():
        sides = {(left, right), (right, left)}
        # A name has no slash, so a slash in front says which side is the path.
        marked = {side for side in sides if side[1].startswith("/")}
        exact = [side for side in marked or sides if _is_path(side[1], arrays)]
        hits = (
            exact or [side for side in ((left, right), (right, left)) if _end(side[1], arrays)][:1]
        )
        if len(hits) != 1:
            raise _unknown(path, f"{left}={right}" if left != right else left, arrays, bool(hits))
        name, place = hits[0]
        place = place.strip("/") if exact else _end(place, arrays)
        name = _name(place).strip(f"_-.{STAR}") or "u" if left == right else name
        if name in found or place in found.values():
            raise ConfigError(f"--fields names {name} or {place} twice.", remedy="Name it once.")
        found[name] = place
    return found


def names_along(entries: Sequence[str], arrays: Mapping[str, Stored]) -> bool:
    """Whether entries of `--fields` are no paths, but names along a dim of fields."""
    sides = {side for pair in pairs("fields", entries).items() for side in pair}
    return bool(sides) and not any(_is_path(s, arrays) or _end(s, arrays) for s in sides)


def _is_path(text: str, arrays: Mapping[str, Stored]) -> bool:
    text = text.strip("/")
    return text in arrays or (STAR in text and bool(matches(text, list(arrays))))


def _end(text: str, arrays: Mapping[str, Stored]) -> str:
    """The one path that ends so; empty where there is none, or several."""
    ends = [path for path in arrays if path.endswith(f"/{text.strip('/')}")]
    return ends[0] if len(ends) == 1 else ""


def _unknown(path: Path, entry: str, arrays: Mapping[str, Stored], is_double: bool) -> ConfigError:
    shown = ", ".join(list(arrays)[:12]) + (", …" if len(arrays) > 12 else "")
    if is_double:
        return ConfigError(
            f"{path}: --fields {entry} names two arrays, and it is not clear which is the field.",
            remedy="Write the path with a slash in front, as NAME=/PATH.",
        )
    return ConfigError(
        f"{path}: --fields {entry} names no array of the file; it has {shown}.",
        remedy="Write NAME=PATH, such as u=train/u; a * stands for what differs from group to "
        f"group. `matey data inspect {path}` lists all.",
    )


def with_stacks(arrays: Mapping[str, Stored], pattern: str) -> dict[str, Stored]:
    """Add the arrays that a pattern stands for as one, and those beside it in the same groups.

    Raises:
        ConfigError: they differ in shape.
    """
    folder = pattern.rpartition("/")[0]
    plain = [path for path in arrays if STAR not in path]
    hits = list(matches(pattern, plain).values())
    patterns = {pattern}
    if STAR in folder:
        first = hits[0].rpartition("/")[0]
        patterns |= {f"{folder}/{_name(path)}" for path in plain if path.startswith(f"{first}/")}
    added: dict[str, Stored] = {}
    for each in patterns:
        parts = [arrays[path] for path in matches(each, plain).values()]
        shapes = {part.shape for part in parts}
        if len(shapes) == 1 and len(parts) == len(hits):
            added[each] = stacked(parts)
        elif each == pattern:
            raise ConfigError(
                f"--fields {pattern} stands for arrays of the shapes "
                f"{', '.join(map(str, sorted(shapes)))}.",
                remedy="Name arrays of one shape.",
            )
    return {**arrays, **added}


def reference(arrays: Mapping[str, Stored], rank: int) -> tuple[int, ...] | None:
    """Shape of most of the values among the floating arrays of a rank; None if there is none."""
    sizes: Counter[tuple[int, ...]] = Counter()
    for array in arrays.values():
        if is_floating(array) and len(array.shape) == rank:
            sizes[array.shape] += num_bytes(array)
    return sizes.most_common(1)[0][0] if sizes else None


def _name(path: str) -> str:
    return path.rpartition("/")[2]
