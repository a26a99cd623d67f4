"""A file as a dataset: fields with named dims, positions, times and constants."""

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import xarray as xr

from matey_core.containers.athena import is_athena, whole_grid
from matey_core.containers.damage import reading
from matey_core.containers.lazy import Stored
from matey_core.containers.missing import decoded
from matey_core.containers.tree import arrays_of, attributes_of
from matey_core.containers.views import STAR, components
from matey_core.errors import ConfigError, DataError
from matey_core.files import version
from matey_core.readers import ReaderOptions
from matey_core.readers._options import ROLES, named_dims
from matey_core.readers.hdf5.dims import component_names, fitting, roles_of
from matey_core.readers.hdf5.fields import (
    Recipe,
    is_floating,
    known_recipe,
    names_along,
    reference,
    said_fields,
    unique_names,
    with_stacks,
)
from matey_core.readers.hdf5.proposal import asks
from matey_core.readers.hdf5.surroundings import Surroundings
from matey_core.readers.netcdf.files import LEFT_OUT
from matey_core.sources.expressions import parse

OPEN_FILES = 4
"""How many files a process keeps open between reads."""
NOTES, DIMS, FIELDS = "matey: notes", "matey: dims", "matey: fields"
"""Attributes of an opened dataset: what a person should know, its dims, and what was chosen."""
CF = ("units", "standard_name", "_FillValue", "missing_value", "scale_factor", "add_offset")
"""Attributes of arrays that mean something."""


def opened(path: Path, *, options: ReaderOptions) -> xr.Dataset:
    """Open a file, or give the one that this process has open; values stay in the file.

    Raises:
        DataError: it cannot be read, or has no array with these dims.
        ConfigError: dims or fields are not known, or a package lacks.
    """
    with reading(path):
        known = version(path.stat())
    return _opened(path, options, known, os.getpid())


@lru_cache(maxsize=OPEN_FILES)
def _opened(path: Path, options: ReaderOptions, known: tuple[int, ...], process: int) -> xr.Dataset:
    return Assembly(path, options).dataset()


def open_arrays(path: Path) -> dict[str, Stored]:
    """All arrays of a file by path; the blocks of Athena++ as whole grids."""
    arrays, attributes = arrays_of(path), attributes_of(path)
    return whole_grid(path, arrays, attributes) if is_athena(arrays, attributes) else arrays


class Assembly:
    """What is made of a file by its arrays and by what a person says."""

    def __init__(self, path: Path, options: ReaderOptions) -> None:
        self.path = path
        self.options = options
        self.arrays = open_arrays(path)
        known = known_recipe(self.arrays)
        dims = options.dims or (known.dims if known else ())
        self.roles = roles_of(dims, options)
        has_field = "field" in self.roles.values()
        self.along = (
            options.fields if has_field and names_along(options.fields, self.arrays) else ()
        )
        chosen = () if self.along else options.fields
        fields = said_fields(path, chosen, self.arrays)
        uses = {name for text in options.derive for name in parse(text).names} - fields.keys()
        more = said_fields(path, sorted(uses), self.arrays) if fields else {}
        self.extra = {*more.values()}
        """Arrays that only expressions use."""
        fields |= more
        if not fields and known and not options.dims:
            fields = known.fields
        if not dims and not any(self.arrays[p].dims for p in fields.values() if p in self.arrays):
            raise asks(path, self.arrays)
        self.recipe = Recipe(fields=fields, dims=tuple(self.roles.values()))
        for pattern in fields.values():
            if STAR in pattern:
                self.arrays = with_stacks(self.arrays, pattern)
        self.sizes: dict[str, int] = {}
        self.left: list[str] = []

    def dataset(self) -> xr.Dataset:
        """Give fields, positions and constants, by the names of roles."""
        chosen = self.recipe.fields
        candidates = {p: self.arrays[p] for p in chosen.values()} if chosen else self.arrays
        self._measure(candidates)
        # Before anything is made as long as a dim says.
        for path, array in candidates.items():
            if self._fits(path, self._dims(array)):
                array.check()
        beside = Surroundings(self.path, self.arrays, self.recipe, self.sizes, list(candidates))
        places = beside.places(self.options)
        used = beside.used
        fields = self._fields({p: a for p, a in candidates.items() if chosen or p not in used})
        used |= set(fields)
        variables = self._variables(fields)
        left = f"{', '.join(self.left)}, on other dims than the fields" if self.left else ""
        extra = {name for name, path in self.recipe.fields.items() if path in self.extra}
        said = {
            NOTES: beside.notes,
            DIMS: [dim for dim in self.sizes if dim != "field"],
            FIELDS: [name for name in variables if name not in extra],
            LEFT_OUT: left,
        }
        constants = beside.constants()
        attributes = beside.numbers()
        data = xr.Dataset({**constants, **variables, **places}, attrs={**attributes, **said})
        return decoded(data, with_coordinates=False)

    def _fields(self, candidates: Mapping[str, Stored]) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Path → name and roles of the dims, of all arrays that are fields."""
        chosen = self.recipe.fields
        found = {path: self._dims(array) for path, array in candidates.items()}
        fitting = [path for path, dims in found.items() if self._fits(path, dims)]
        names = {p: n for n, p in (chosen or unique_names(fitting)).items()}
        if chosen and (missing := [path for path in candidates if path not in fitting]):
            raise self._nothing(missing)
        if not fitting:
            raise self._nothing(list(candidates))
        if not chosen:
            self.left += [
                f"{path} {array.shape}"
                for path, array in candidates.items()
                if is_floating(array) and len(array.shape) > 2 and path not in fitting
            ]
        return {path: (names[path], found[path] or ()) for path in fitting}

    def _measure(self, candidates: Mapping[str, Stored]) -> None:
        """Learn how many points the dims have."""
        dims = self.recipe.dims
        for kept in (dims, tuple(dim for dim in dims if dim != "field")):
            if not self.sizes and kept and (shape := reference(candidates, len(kept))):
                self.sizes = dict(zip(kept, shape, strict=True))
        for array in candidates.values():
            named = self._named(array)
            if named and len(named) == len(array.shape):
                sizes = dict(zip(named, array.shape, strict=True))
                if all(size > 1 for size in sizes.values()) and len(sizes) > len(self.sizes):
                    self.sizes = {dim: n for dim, n in sizes.items() if dim != "field"}

    def _named(self, array: Stored) -> tuple[str, ...] | None:
        """Roles of the dims of an array that names them, unless a person names all in order."""
        if not array.dims or not set(self.roles) <= set(array.dims):
            return None
        known = {*self.roles, self.options.component_dim, ""}
        others = [dim for dim in array.dims if dim not in known]
        said = tuple(f"{role}={dim}" for dim, role in self.roles.items() if role != "field")
        try:
            roles = named_dims((*said, *dict.fromkeys(others))).roles
        except ConfigError as error:
            raise ConfigError(f"{self.path}: {error}", remedy=error.remedy) from None
        return tuple(roles.get(dim, "field") for dim in array.dims)

    def _dims(self, array: Stored) -> tuple[str, ...] | None:
        named = self._named(array)
        return named or fitting(array.shape, self.recipe.dims, self.sizes)

    def _fits(self, path: str, dims: tuple[str, ...] | None) -> bool:
        array = self.arrays[path]
        space = {dim for dim in self.sizes if dim not in ROLES}
        return (
            bool(dims)
            and is_floating(array)
            and space <= set(dims or ())
            and all(
                dim == "field" or self.sizes.get(dim) == size
                for dim, size in zip(dims or (), array.shape, strict=True)
            )
        )

    def _variables(self, fields: Mapping[str, tuple[str, tuple[str, ...]]]) -> dict[str, Any]:
        found = {}
        axes = [dim for dim in self.sizes if dim not in ROLES]
        for path, (name, dims) in fields.items():
            array = self.arrays[path]
            known = {key: array.attributes[key] for key in CF if key in array.attributes}
            along = [axis for axis, dim in enumerate(dims) if dim == "field"]
            kept = tuple(dim for dim in dims if dim != "field")
            counts = [array.shape[axis] for axis in along]
            is_tensor = bool(array.dims or self.options.component_dim)
            names = self.along or component_names(name, counts, axes, is_tensor=is_tensor)
            parts = components(array, along) if along else [array]
            if len(names) != len(parts) or (self.along and len(fields) > 1):
                raise DataError(
                    f"{self.path}: {path} has {len(parts)} components, --fields names "
                    f"{len(names)}.",
                    remedy="Name all of one array, in order, or leave --fields out.",
                )
            for own, each in zip(names, parts, strict=True):
                if own in found or own in self.sizes:
                    raise DataError(
                        f"{self.path}: {path} gives a field {own}, and so does another array, or "
                        "an axis has this name.",
                        remedy="Name it otherwise, as --fields NAME=PATH.",
                    )
                found[own] = each.variable(kept)
                found[own].attrs = dict(known)
        return found

    def _nothing(self, paths: Sequence[str]) -> DataError:
        shown = ", ".join(f"{p} {self.arrays[p].shape} {self.arrays[p].dtype}" for p in paths[:12])
        dims = ", ".join(self.recipe.dims) or "dims that have names"
        sizes = ", ".join(f"{dim} {size}" for dim, size in self.sizes.items())
        return DataError(
            f"{self.path}: no array of a floating type on {dims}{f' ({sizes})' if sizes else ''}: "
            f"{shown or 'it holds nothing'}.",
            remedy="Name all dims in order, such as --dims sample,time,y,x; convert whole numbers "
            f"to float32. `matey data inspect {self.path}` lists what is there.",
        )
