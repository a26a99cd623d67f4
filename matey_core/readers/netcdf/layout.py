"""Which variables of a file are fields, and what one has to do to read them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import xarray as xr

from matey_core.errors import ConfigError
from matey_core.readers import ReaderOptions
from matey_core.readers._options import chosen, dims_of, pairs
from matey_core.readers.netcdf.dims import Dims, find_dims, is_floating
from matey_core.sources.expressions import Expression, parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One field: a variable, or what is made of several. A dim of fields makes it many."""

    names: tuple[str, ...]
    """Of the field, or of those along the dim of fields."""
    unit: str
    source: str | Expression
    dtype: np.dtype
    has_time: bool
    standard_name: str = ""
    """CF's."""

    @property
    def uses(self) -> tuple[str, ...]:
        """Variables that are read."""
        return (self.source,) if isinstance(self.source, str) else self.source.names


@dataclass(frozen=True, slots=True, kw_only=True)
class NetcdfLayout:
    """Dims and fields of a file."""

    dims: Dims
    fields: tuple[Column, ...]
    static: tuple[Column, ...]

    @property
    def is_derived(self) -> bool:
        """Whether a field is made of several variables."""
        return any(not isinstance(column.source, str) for column in (*self.fields, *self.static))


def layout_of(path: Path, data: xr.Dataset, options: ReaderOptions) -> NetcdfLayout:
    """Choose the fields.

    Raises:
        ConfigError: an option names what does not exist or cannot be a field.
        DataError: it is not known what the dims are.
    """
    named = dims_of(options)
    if "field" in named.roles.values():
        dims = find_dims(path, data, named, ())
        return _layout(dims, [_stacked(path, data, options, dims)])
    derived = {found.target: found for found in map(parse, options.derive)}
    if len(derived) < len(options.derive):
        raise ConfigError("--derive makes one field twice.", remedy="Give one expression for each.")
    variables = _variables(data)
    for expression in derived.values():
        chosen("derive", expression.names, variables)
    names = pairs("fields", options.fields)
    chosen("fields", names, {**variables, **derived})
    wanted = [used for n in names for used in (derived[n].names if n in derived else (n,))]
    dims = find_dims(path, data, named, wanted)
    if not names:
        names = {str(n): str(n) for n in data.data_vars if _fits(variables[str(n)], dims)}
    names |= {target: target for target in derived if target not in names}
    columns = [
        _derived(path, derived[name], field, variables, dims)
        if name in derived
        else _plain(path, name, field, variables[name], dims)
        for name, field in names.items()
    ]
    return _layout(dims, columns)


def _variables(data: xr.Dataset) -> dict[str, xr.Variable]:
    return {str(name): variable for name, variable in data.variables.items()}


def _stacked(path: Path, data: xr.Dataset, options: ReaderOptions, dims: Dims) -> Column:
    """Describe the one variable that holds all fields along a dim."""
    found = {n: v for n, v in _variables(data).items() if dims.field in v.dims and _fits(v, dims)}
    if len(found) != 1 or options.derive:
        raise ConfigError(
            f"{path} has {len(found)} arrays with a dim of fields ({', '.join(found)}); only one "
            "can be read, and without --derive.",
            remedy="Put the array into a file of its own.",
        )
    ((source, variable),) = found.items()
    count = variable.sizes[dims.field]
    names = tuple(options.fields) or tuple(f"u{index}" for index in range(count))
    if len(names) != count:
        raise ConfigError(
            f"{path} has {count} fields along {dims.field}; --fields names {len(names)}.",
            remedy="Name all of them, in order.",
        )
    return Column(
        names=names,
        unit=unit_of(variable),
        source=source,
        dtype=variable.dtype.newbyteorder("<"),
        has_time=dims.time in variable.dims,
    )


def _layout(dims: Dims, columns: list[Column]) -> NetcdfLayout:
    """Without any field that changes in time, the problem is static and has one frame."""
    fields = tuple(column for column in columns if column.has_time)
    static = tuple(column for column in columns if not column.has_time)
    return NetcdfLayout(dims=dims, fields=fields or static, static=static if fields else ())


def _fits(variable: xr.Variable, dims: Dims) -> bool:
    """Whether a variable has all axes of space, and beside them samples and times at most."""
    return is_floating(variable) and _covers(variable.dims, dims)


def _covers(names: Iterable[object], dims: Dims) -> bool:
    others = {*names} - dims.space.keys() - dims.single
    return dims.space.keys() <= {*names} and others <= {dims.sample, dims.time, dims.field}


def _plain(path: Path, name: str, field: str, variable: xr.Variable, dims: Dims) -> Column:
    if not _fits(variable, dims):
        raise ConfigError(
            f"{path}: {name} has dims ({', '.join(map(str, variable.dims))}) and type "
            f"{variable.dtype}; a field is a floating type on ({', '.join(dims.space)}).",
            remedy="Leave it out of --fields; --derive can add it to a field.",
        )
    return Column(
        names=(field,),
        unit=unit_of(variable),
        standard_name=standard_name_of(variable),
        source=name,
        dtype=variable.dtype.newbyteorder("<"),
        has_time=dims.time in variable.dims,
    )


def _derived(
    path: Path,
    expression: Expression,
    field: str,
    variables: Mapping[str, xr.Variable],
    dims: Dims,
) -> Column:
    parts = [variables[name] for name in expression.names]
    names = {name for part in parts for name in part.dims}
    if not _covers(names, dims) or any(part.dtype.kind not in "fiu" for part in parts):
        raise ConfigError(
            f"{path}: --derive {expression.target} is of "
            f"{', '.join(f'{n} {variables[n].dtype}' for n in expression.names)} on the dims "
            f"({', '.join(map(str, names))}); a field is of numbers on ({', '.join(dims.space)}).",
            remedy="Use variables that have these dims together.",
        )
    target = variables.get(expression.target)
    kept = target.dtype if target is not None and is_floating(target) else None
    whole = [part.dtype for part in parts if _fits(part, dims)] or [np.dtype(np.float64)]
    return Column(
        names=(field,),
        unit=unit_of(target) if target is not None else "",
        standard_name=standard_name_of(target) if target is not None else "",
        source=expression,
        dtype=(np.result_type(*whole) if kept is None else kept).newbyteorder("<"),
        has_time=dims.time in names,
    )


def standard_name_of(variable: xr.Variable) -> str:
    """Return what CF calls a variable; empty where the file does not say."""
    return str(variable.attrs.get("standard_name", "")).strip()


def unit_of(variable: xr.Variable) -> str:
    """Return the unit of a variable; the unit 1 is none."""
    unit = str(variable.attrs.get("units", "")).strip()
    return "" if unit == "1" else unit
