"""Times of files that are pieces of one trajectory, by one clock."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import xarray as xr
from jaxtyping import Shaped

from matey_core.containers.damage import reading
from matey_core.errors import ConfigError, DataError
from matey_core.readers import ReaderOptions, Source
from matey_core.readers._options import usual_role
from matey_core.readers.netcdf.dims import coordinate_of, guessed_role
from matey_core.readers.netcdf.layout import unit_of
from matey_core.readers.netcdf.source import DatasetSource
from matey_core.readers.netcdf.times import in_seconds, stamped
from matey_core.sources.in_time import FEWEST, InTime, by_number, counted_times

ATTRIBUTES = ("time", "t", "sim_time", "simulation_time", "current_time", "solution_time")
"""Names of the attribute that is the time of a file."""
COMMON = ("", "standard", "gregorian", "proleptic_gregorian")
"""Calendars whose dates NumPy can count."""
_DATE = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T_ ](\d{1,2}):(\d{2})(?::(\d{2})(?:\.0*)?)?)?Z?"
)


class FileClock(NamedTuple):
    """Times of a file."""

    times: Shaped[np.ndarray, "time"]
    unit: str
    since: str
    """The date that they are counted from; empty if there is none."""
    is_common: bool
    """Whether its calendar is the common one."""
    name: str
    """Of the variable, or of the attribute."""
    is_attribute: bool = False


def clock_of(path: Path, data: xr.Dataset, source: Source, dim: str | None) -> FileClock | None:
    """Read the times of a file; None if it has none.

    Args:
        path: the file.
        data: the file, opened.
        source: its header has the times, where there is a dim of times.
        dim: of times; without one, a single number may be the time of the whole file.
    """
    name = coordinate_of(data, dim, "time") if dim else _moment(data)
    if name is None and dim:
        found = stamped(data, dim)
        return FileClock(found[1], "s", found[2], True, found[0]) if found else None
    if name is None:
        return _attribute(data)
    variable = data.variables[name]
    unit = unit_of(variable)
    times = source.header.times
    if not dim:
        times, _ = in_seconds(path, name, variable.values.reshape(1).astype(np.float64), unit)
    since = re.fullmatch(r"\w+\s+since\s+(.*)", unit, re.IGNORECASE)
    calendar = str(variable.attrs.get("calendar", "")).lower()
    return FileClock(
        times, "s" if since else unit, since[1] if since else "", calendar in COMMON, name
    )


def _moment(data: xr.Dataset) -> str | None:
    """Name of the single number that is the time of a file."""
    numbers = [str(n) for n, v in data.variables.items() if v.ndim == 0 and v.dtype.kind in "fiu"]
    found = [name for name in numbers if guessed_role(data, name) == "time"]
    return next(iter(sorted(found, key=lambda name: usual_role(name) != "time")), None)


def _attribute(data: xr.Dataset) -> FileClock | None:
    """Take the attribute of a file that is its time."""
    for name, value in data.attrs.items():
        number = np.asarray(value)
        if name.lower() in ATTRIBUTES and number.size == 1 and number.dtype.kind in "fiu":
            times = number.reshape(1).astype(np.float64)
            return FileClock(times, "", "", True, name, is_attribute=True)
    return None


def in_time(path: Path, sources: Sequence[DatasetSource], options: ReaderOptions) -> Source:
    """Join files that hold times of one trajectory: by their own times, else by their numbers.

    Raises:
        DataError: their times do not fit together.
        ConfigError: nothing tells their order, or it is told twice.
    """
    clocks = [_read_clock(source) for source in sources]
    known = [clock for clock in clocks if clock is not None]
    if len(known) < len(sources) or _says_nothing(known):
        return _by_number(path, sources, options)
    if options.time_step is not None:
        raise ConfigError(
            "--time-step says how long a step takes, but the source has times.",
            remedy="Leave --time-step out.",
        )
    times = _common_times([source.path for source in sources], known)
    order = sorted(range(len(sources)), key=lambda index: float(times[index][0]))
    for source, clock in zip(sources, known, strict=True):
        kept = {k: v for k, v in source.header.parameters.items() if k != clock.name}
        units = source.header.units | ({"time": clock.unit} if clock.unit else {})
        source.header = replace(source.header, parameters=kept, units=units)
    return InTime(
        path,
        [sources[index] for index in order],
        np.concatenate([times[index] for index in order]),
    )


def _says_nothing(clocks: Sequence[FileClock]) -> bool:
    """Whether files share the value of an attribute, which is then no time of theirs."""
    times = {float(clock.times[0]) for clock in clocks}
    return all(clock.is_attribute for clock in clocks) and len(times) < len(clocks)


def _by_number(path: Path, sources: Sequence[DatasetSource], options: ReaderOptions) -> Source:
    found = {source.path: source for source in sources}
    paths, numbers = by_number(list(found))
    ordered = [found[file] for file in paths]
    joined = InTime(path, ordered, counted_times(ordered, numbers, options.time_step))
    if options.time_step is None and all(len(source.header.times) == 1 for source in sources):
        note = (
            "no times found: they are the numbers in the names of files, unless --time-step says "
            "how long a step takes"
        )
        joined.header = replace(joined.header, notes=(*joined.header.notes, note))
    return joined


def moments_in_time(
    path: Path, sources: Sequence[DatasetSource], options: ReaderOptions
) -> Source | None:
    """Join files if each has a single time of its own, evenly; otherwise None."""
    if len(sources) < FEWEST or any(len(source.header.times) > 1 for source in sources):
        return None
    clocks = [_read_clock(source) for source in sources]
    known = [clock for clock in clocks if clock is not None]
    if len(known) < len(sources) or _says_nothing(known):
        return None
    try:
        found = in_time(path, sources, options)
    except DataError:
        return None
    note = (
        f"{len(sources)} files of one time each are the time steps of one trajectory; "
        "--join sample says that they are not"
    )
    found.header = replace(found.header, notes=(*found.header.notes, note))
    return found


def _read_clock(source: DatasetSource) -> FileClock | None:
    with reading(source.path):
        return clock_of(source.path, source.dataset(), source, source.time_dim)


def _common_times(paths: Sequence[Path], clocks: Sequence[FileClock]) -> list[np.ndarray]:
    """Count the times of all files from the earliest date.

    Raises:
        DataError: the files count from several dates that cannot be compared, or in several units.
    """
    first = clocks[0]
    for path, clock in zip(paths, clocks, strict=True):
        has_dates = None not in (_date(first.since), _date(clock.since))
        is_known = has_dates and first.is_common and clock.is_common
        if clock.unit != first.unit or (clock.since != first.since and not is_known):
            raise DataError(
                f"{paths[0]} has times in {first.unit or 'no unit'} since {first.since or '0'}, "
                f"{path} in {clock.unit or 'no unit'} since {clock.since or '0'}.",
                remedy="Write the times of all files in one unit, since one date.",
            )
    if len({clock.since for clock in clocks}) == 1:
        return [clock.times for clock in clocks]
    dates = np.array([_date(clock.since) for clock in clocks], dtype="datetime64[s]")
    seconds = (dates - dates.min()).astype(np.float64)
    return [
        clock.times.astype(np.float64) + later for clock, later in zip(clocks, seconds, strict=True)
    ]


def _date(text: str) -> np.datetime64 | None:
    found = _DATE.fullmatch(text.strip().removesuffix("UTC").removesuffix("+00:00").strip())
    if not found:
        return None
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups())
    try:
        return np.datetime64(
            f"{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}", "s"
        )
    except ValueError:
        return None
