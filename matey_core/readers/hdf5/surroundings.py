"""What lies beside the fields of a file: positions, times, names of samples, constants."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from matey_core.containers.lazy import Stored
from matey_core.containers.tree import attributes_of
from matey_core.containers.views import STAR, matches
from matey_core.readers import ReaderOptions
from matey_core.readers._options import ROLES
from matey_core.readers.hdf5.fields import Recipe
from matey_core.readers.hdf5.places import place_of, places, steps
from matey_core.sources.spacing import is_increasing

COUNTERS = ("Time", "NumCycles", "MaxLevel", "NumMeshBlocks", "set_number", "writes")
"""Attributes that tell of a run of Athena++ or Dedalus, and not of the equation."""


class Surroundings:
    """Arrays and attributes near the fields, as variables of a dataset."""

    def __init__(
        self,
        path: Path,
        arrays: Mapping[str, Stored],
        recipe: Recipe,
        sizes: Mapping[str, int],
        fields: Sequence[str],
    ) -> None:
        """Look around fields.

        Args:
            path: the file.
            arrays: all of it, those that a star stands for as well.
            recipe: how it is read.
            sizes: points by dim.
            fields: paths of what may be fields.
        """
        self.path = path
        self.arrays = arrays
        self.recipe = recipe
        self.sizes = sizes
        self.folders = _folders(fields)
        self.used: set[str] = set()
        """Paths of arrays that are positions, or look like some."""
        self.notes: list[str] = []

    def places(self, options: ReaderOptions) -> dict[str, Any]:
        """Find positions and times, and the names that a star stands for; tell what is missing."""
        has_step = options.time_step is not None
        found = {**self._places(has_step), **self._starred(has_step)}
        missing = [dim for dim in self.sizes if dim not in (*found, "sample", "field")]
        said = {"time"} if has_step else set()
        said |= {dim for dim in missing if dim not in ROLES} if options.spacing else set()
        found |= self._steps([dim for dim in missing if dim not in said])
        if unknown := [dim for dim in missing if dim not in found and dim not in said]:
            self.notes.append(
                f"no positions found along {', '.join(unknown)}: steps of 1, unless --spacing or "
                "--time-step says otherwise"
            )
        return found

    def constants(self) -> dict[str, Any]:
        """Single numbers, and numbers by sample, which are no positions."""
        found: dict[str, Any] = self._by_group()
        for path, array in self.arrays.items():
            folder, _, name = path.rpartition("/")
            if path in self.used or folder not in self.folders or array.dtype.kind not in "fiu":
                continue
            is_place = place_of(name) in self.sizes and name not in self.sizes
            if max(array.shape, default=1) == 1 and array.dtype.kind == "f":
                value = array.part((slice(None),) * len(array.shape)).reshape(())
                found.setdefault(name, xr.Variable((), value))
            elif array.shape == (self.sizes.get("sample"),) and not is_place:
                found.setdefault(name, xr.Variable(("sample",), array.part((slice(None),))))
        return {name: v for name, v in found.items() if name not in self.sizes}

    def numbers(self) -> dict[str, Any]:
        """Numbers among the attributes of the groups."""
        return _numbers(attributes_of(self.path, self.folders))

    def _places(self, has_step: bool) -> dict[str, Any]:
        found: dict[str, Any] = {}
        unsorted = []
        for dim, place in places(self.path, self.arrays, self.sizes, self.folders):
            self.used.add(place.path)
            is_said = dim == "time" and has_step
            if place.values is None or (is_said and not is_increasing(place.values)):
                unsorted.append(place.path)
                continue
            found[dim] = xr.Variable((dim,), place.values, {"units": place.unit})
        if unsorted:
            self.notes.append(
                "no positions, as they do not increase, or differ from sample to sample: "
                f"{', '.join(unsorted)}"
            )
        return found

    def _steps(self, dims: Sequence[str]) -> dict[str, Any]:
        known = attributes_of(self.path, self.folders)
        for field in self.recipe.fields.values():
            known = {**self.arrays[field].attributes, **known}
        found = {}
        for dim, (step, where) in steps(self.arrays, known, dims, self.folders).items():
            found[dim] = xr.Variable((dim,), step * np.arange(self.sizes[dim]))
            self.notes.append(f"steps of {step:g} along {dim}, from {where}")
        return found

    def _hits(self) -> dict[str, str]:
        """What stands for the star → path; nothing without one."""
        pattern = next((path for path in self.recipe.fields.values() if STAR in path), None)
        plain = [path for path in self.arrays if STAR not in path]
        return {} if pattern is None else matches(pattern, plain)

    def _starred(self, has_step: bool) -> dict[str, Any]:
        """Names of samples, or times, that a star in a path stands for."""
        names = list(self._hits())
        dim = self.recipe.dims[0] if names else ""
        if dim == "sample":
            return {dim: xr.Variable((dim,), np.array(names))}
        is_counted = dim == "time" and all(name.isdecimal() for name in names)
        if is_counted and not has_step and len(names) > 1:
            self.notes.append(
                "times are the numbers in the names, unless --time-step says how long a step takes"
            )
            return {dim: xr.Variable((dim,), np.array(names, dtype=np.float64))}
        return {}

    def _by_group(self) -> dict[str, Any]:
        """Numbers that are attributes of the group of every sample."""
        if not self.recipe.dims or self.recipe.dims[0] != "sample":
            return {}
        folders = [path.rpartition("/")[0] for path in self._hits().values()]
        if len(set(folders)) < 2:
            return {}
        known = [_numbers(attributes_of(self.path, (folder,))) for folder in folders]
        shared = set.intersection(*(set(numbers) for numbers in known))
        return {
            name: xr.Variable(("sample",), np.array([numbers[name] for numbers in known]).ravel())
            for name in sorted(shared)
        }


def _numbers(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Attributes that are one number each, and of the equation."""
    return {
        name: value
        for name, value in attributes.items()
        if np.size(value) == 1 and np.asarray(value).dtype.kind in "fiu" and name not in COUNTERS
    }


def _folders(paths: Iterable[str]) -> tuple[str, ...]:
    """Where positions may be: beside the fields, in `scales`, and in the groups above."""
    found: dict[str, None] = {}
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder:
            found.setdefault(folder)
            folder = folder.rpartition("/")[0]
    return (*found, "scales", "coordinates", "coords", "grid", "mesh", "")
