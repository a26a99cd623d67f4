"""What the dims of a file are: told by options, CF attributes or names."""

import re
import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Float

from matey_core.errors import ConfigError, DataError
from matey_core.readers._options import ROLES, DimNames, usual_role
from matey_core.readers.netcdf.files import LEFT_OUT
from matey_core.readers.netcdf.versions import EXPVER, is_version, order_of_versions

STANDARD_NAMES = {
    "time": "time",
    "realization": "sample",
    "longitude": "x",
    "grid_longitude": "x",
    "projection_x_coordinate": "x",
    "latitude": "y",
    "grid_latitude": "y",
    "projection_y_coordinate": "y",
    "height": "z",
    "altitude": "z",
    "depth": "z",
    "air_pressure": "z",
}
_UNITS = {
    r".+ since .+": "time",
    r"degrees?_?e(ast)?": "x",
    r"degrees?_?n(orth)?": "y",
}
MOST_AXES = 3
LARGEST = 8
"""Bytes of a float64."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dims:
    """Names of the dims in the file, by what they are."""

    sample: str | None
    time: str | None
    field: str | None
    space: dict[str, str]
    """Dim → axis, in the order of the values."""
    single: frozenset[str]
    """Dims of one point that are no axis, and `expver`, along which versions are merged."""
    versions: tuple[int, ...] = ()
    """Indices along `expver`, final data first; none without such a dim."""


def find_dims(path: Path, data: xr.Dataset, named: DimNames, wanted: Iterable[str]) -> Dims:
    """Say what the dims are.

    Args:
        path: for the error text.
        data: the file.
        named: what `--dims` says.
        wanted: variables that were asked for, if any were: one of them has all axes.

    Raises:
        ConfigError: `--dims` names what does not exist.
        DataError: the dims of no variable are all known.
    """
    sizes = {str(name): size for name, size in data.sizes.items()}
    if missing := [name for name in named.roles if name not in sizes]:
        raise ConfigError(
            f"{path} has no dim {', '.join(missing)}; it has {', '.join(sizes)}.",
            remedy="Name others with --dims.",
        )
    roles = _roles(path, data, sizes, named)
    single = frozenset(
        name
        for name, size in sizes.items()
        if (size == 1 or is_version(name, size))
        and name not in named.roles
        and roles.get(name) not in ROLES
    )
    axes = [dims for dims in _grids(data, wanted, roles, single) if 1 <= len(dims) <= MOST_AXES]
    if not axes:
        unknown = [name for name in sizes if name not in roles and name not in single]
        unclear = f" Unknown: {', '.join(unknown)}." if unknown else ""
        raise DataError(
            f"{path}: no variable has one to three space axes beside its samples and times. "
            f"The dims are {', '.join(sizes) or 'none'}.{unclear}{_others(data)}",
            remedy=f"Say what the dims are; it may be: {_proposed(path, _largest(data), roles)}"
            if unknown
            else f"The reader hdf5 reads groups; see: matey data inspect {path} --reader hdf5"
            if not sizes and LEFT_OUT in data.attrs
            else "Say what the dims are: --dims sample=NAME,time=NAME,y=NAME,x=NAME.",
        )
    space = max(Counter(axes).items(), key=lambda item: (len(item[0]), item[1]))[0]
    used = {role: name for name, role in roles.items() if role in ROLES}
    return Dims(
        sample=used.get("sample"),
        time=used.get("time"),
        field=used.get("field"),
        space={name: roles[name] for name in space},
        single=single,
        versions=order_of_versions(data) if EXPVER in single else (),
    )


def _others(data: xr.Dataset) -> str:
    """Name what is not read, such as groups."""
    return f" Not looked at: {data.attrs[LEFT_OUT]}." if data.attrs.get(LEFT_OUT) else ""


def _largest(data: xr.Dataset) -> tuple[str, ...]:
    """Dims of the first of the variables with most dims."""
    variables = [data.variables[name] for name in data.data_vars]
    floating = [variable for variable in variables if is_floating(variable)]
    dims = max((variable.dims for variable in floating or variables), key=len, default=())
    return tuple(map(str, dims))


def _proposed(path: Path, sizes: Iterable[str], roles: Mapping[str, str]) -> str:
    """Guess at the command: times first, then axes up to x."""
    unknown = [name for name in sizes if name not in roles]
    first = [] if "time" in roles.values() else ["time"]
    axes = [axis for axis in "xyz" if axis not in roles.values()][: len(unknown) - len(first)]
    known = {**roles, **dict(zip(unknown[::-1], [*axes, *first[::-1], "sample"], strict=False))}
    dims = ",".join(f"{known[name]}={name}" for name in sizes if name in known)
    return shlex.join(("matey", "prepare", "netcdf", str(path.parent), "--dims", dims))


def _roles(path: Path, data: xr.Dataset, sizes: Iterable[str], named: DimNames) -> dict[str, str]:
    """Dim → role. What is named is no other's; named space axes are all there are."""
    roles = dict(named.roles)
    taken = set(roles.values())
    for name in sizes:
        role = None if name in roles else guessed_role(data, name)
        is_extra_axis = bool(named.space) and role not in ROLES
        if role and role not in taken and not is_extra_axis:
            roles[name] = role
    for role in ("sample", "time"):
        rivals = [name for name, known in roles.items() if known == role]
        if len(rivals) > 1:
            raise DataError(
                f"{path}: the dims {', '.join(rivals)} all look like {role}.",
                remedy=f"Say which one it is: --dims {role}=NAME.",
            )
    return roles


def guessed_role(data: xr.Dataset, name: str) -> str | None:
    """Guess what a dim, or a variable along it, is: by CF attributes, else by its name."""
    attributes: dict[str, Any] = dict(data.variables[name].attrs) if name in data.variables else {}
    axis = str(attributes.get("axis", "")).lower()
    if axis in ("t", "x", "y", "z"):
        return "time" if axis == "t" else axis
    if role := STANDARD_NAMES.get(str(attributes.get("standard_name", ""))):
        return role
    units = str(attributes.get("units", "")).lower()
    for pattern, role in _UNITS.items():
        if re.fullmatch(pattern, units):
            return role
    usual = usual_role(name)
    # Fields are variables; a dim of them has to be named.
    return "z" if "positive" in attributes else None if usual == "field" else usual


def coordinate_of(data: xr.Dataset, dim: str, role: str) -> str | None:
    """Name of the variable with the positions along a dim: of its name, or told by CF."""
    rivals = (
        str(name)
        for name, variable in data.variables.items()
        if variable.dims == (dim,) and (variable.dtype.kind in "fiu" or name == dim)
    )
    found = sorted(rivals, key=lambda name: name != dim)
    return next((n for n in found if n == dim or guessed_role(data, n) == role), None)


TIME_STEPS = ("dt", "delta_t", "time_step", "timestep")


def step_names(dim: str) -> tuple[str, ...]:
    """Names, in small letters, of attributes and arrays that tell the step along a dim."""
    return TIME_STEPS if dim == "time" else (f"d{dim}", f"delta_{dim}", f"{dim}_spacing")


class StatedStep(NamedTuple):
    """The step along a dim without positions, which the file tells by one number."""

    size: int
    step: float
    source: str
    """An attribute, or a number among the variables."""

    @property
    def positions(self) -> Float[np.ndarray, "points"]:
        """Positions from 0 on."""
        return self.step * np.arange(self.size, dtype=np.float64)


def stated_step(data: xr.Dataset, dim: str, role: str) -> StatedStep | None:
    """Find the step along a dim that has no positions; None without, or with positions."""
    if coordinate_of(data, dim, role):
        return None
    names = {*step_names(role), *step_names(dim.lower())}
    told = {str(name): value for name, value in data.variables.items() if not value.dims}
    for name, value in {**told, **data.attrs}.items():
        if name.lower() not in names:
            continue
        step = np.asarray(value)
        is_number = step.size == 1 and step.dtype.kind in "fiu"
        if is_number and 0 < float(step.item()) < np.inf:
            source = f"the attribute {name}" if name in data.attrs else name
            return StatedStep(data.sizes[dim], float(step.item()), source)
    return None


def _grids(
    data: xr.Dataset, wanted: Iterable[str], roles: dict[str, str], single: frozenset[str]
) -> list[tuple[str, ...]]:
    """Space dims of each variable that has known dims only, none twice, and times if any has."""
    wanted = set(wanted)
    found: list[tuple[bool, tuple[str, ...]]] = []
    for name, variable in data.variables.items():
        is_asked_for = name in wanted if wanted else name in data.data_vars
        dims = [str(dim) for dim in variable.dims if dim not in single]
        if not is_asked_for or not is_floating(variable) or not _are_known(dims, roles):
            continue
        has_time = "time" in [roles[dim] for dim in dims]
        space = tuple(dim for dim in dims if roles[dim] not in ROLES)
        found.append((has_time, space))
    any_time = any(has_time for has_time, _ in found)
    return [space for has_time, space in found if has_time == any_time]


def is_floating(variable: xr.Variable | xr.DataArray) -> bool:
    """Whether values are floating-point numbers that a store can hold."""
    return variable.dtype.kind == "f" and variable.dtype.itemsize <= LARGEST


def _are_known(dims: Sequence[str], roles: dict[str, str]) -> bool:
    known = [roles.get(dim) for dim in dims]
    return None not in known and len(set(known)) == len(known)
