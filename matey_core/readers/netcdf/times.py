"""Times that are dates: seconds since their reference."""

import re
from pathlib import Path

import numpy as np
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
_SECONDS = {unit: seconds for seconds, units in SECONDS.items() for unit in units.split()}


def in_seconds(
    path: Path, name: str, times: Shaped[np.ndarray, "time"], unit: str
) -> tuple[Shaped[np.ndarray, "time"], str]:
    """Turn `days since 2000-01-01` into seconds; leave times of another unit alone.

    Returns:
        The times and their unit.

    Raises:
        DataError: months or years, which have no fixed length.
    """
    since = re.fullmatch(r"(\w+)\s+since\s+.*", unit, re.IGNORECASE)
    if not since:
        return times, unit
    seconds = _SECONDS.get(since[1].lower())
    if seconds is None:
        raise DataError(
            f"{path}: {name} is in {unit!r}, and {since[1]} have no fixed length.",
            remedy="Convert the times to days or seconds first.",
        )
    return seconds * times.astype(np.float64), "s"
