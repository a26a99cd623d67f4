"""Times that are dates: seconds since their reference, or since the first of them."""

import re
from pathlib import Path

import numpy as np
import xarray as xr
from jaxtyping import Shaped

from matey_core.errors import DataError

SECONDS = {
    1.0: "s sec secs second seconds",
    60.0: "min mins minute minutes",
    3600.0: "h hr hrs hour hours",
    86400.0: "d day days",
    1e-3: "ms msec msecs millisecond milliseconds",
    1e-6: "us microsecond microseconds",
    1e-9: "ns nanosecond nanoseconds",
}
_SINCE = re.compile(r"(\w+)\s+since\s+.*", re.IGNORECASE)
_SECONDS = {unit: seconds for seconds, units in SECONDS.items() for unit in units.split()}


def has_fixed_length(unit: str) -> bool:
    """Whether a unit is not that of dates counted in months or years."""
    since = _SINCE.fullmatch(unit)
    return not since or since[1].lower() in _SECONDS


def why_uneven(times: Shaped[np.ndarray, "time"], unit: str) -> str:
    """Explain uneven times, where the calendar is the reason; else nothing."""
    if unit.lower().startswith("day as"):
        return f"{unit!r} writes dates as numbers, whose differences are no times"
    if not (since := _SINCE.fullmatch(unit)):
        return ""
    days = np.diff(times.astype(np.float64)) * _SECONDS[since[1].lower()] / 86400
    if len(days) and days.min() >= 28 and days.max() <= 31:
        return "these are months, of 28 to 31 days"
    return ""


def in_seconds(
    path: Path, name: str, times: Shaped[np.ndarray, "time"], unit: str
) -> tuple[Shaped[np.ndarray, "time"], str]:
    """Turn `days since 2000-01-01` into seconds; leave times of another unit alone.

    Returns:
        The times and their unit.

    Raises:
        DataError: months or years, which have no fixed length.
    """
    since = _SINCE.fullmatch(unit)
    if not since:
        return times, unit
    seconds = _SECONDS.get(since[1].lower())
    if seconds is None:
        raise DataError(
            f"{path}: {name} is in {unit!r}, and {since[1]} have no fixed length.",
            remedy="Convert the times to days or seconds first, or say with --time-step that the "
            "frames are evenly apart.",
        )
    return seconds * times.astype(np.float64), "s"


_STAMP = re.compile(r"(\d{4}-\d\d-\d\d)[_T ](\d\d:\d\d:\d\d)Z?")


def stamped(data: xr.Dataset, dim: str) -> tuple[str, Shaped[np.ndarray, "time"], str] | None:
    """Read dates that are written out, as WRF's `Times`.

    Returns:
        The name of the variable, the seconds since the first date, and that date.
    """
    for name, variable in data.variables.items():
        if not variable.dims or variable.dims[0] != dim or variable.dtype.kind not in "SU":
            continue
        if found := [_STAMP.fullmatch(text) for text in _texts(variable)]:
            stamps = [f"{stamp[1]}T{stamp[2]}" for stamp in found if stamp]
            if len(stamps) == len(found):
                dates = np.array(stamps, dtype="datetime64[s]")
                return str(name), (dates - dates[0]).astype(np.float64), stamps[0]
    return None


def _texts(variable: xr.Variable) -> list[str]:
    """Join characters along the second dim, if there is one."""
    values = variable.values.astype("U")
    rows = values if values.ndim == 1 else ["".join(row) for row in values.reshape(len(values), -1)]
    return [str(row).strip() for row in rows]
