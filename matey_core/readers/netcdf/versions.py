"""Final and preliminary data of ERA5 in one file, told apart by `expver`.

The last months are preliminary (ERA5T, `expver` 5) until final data (`expver` 1) replaces them.
Files of before 2024 have a dim of that name: each version is missing where the other has values.
Later files have one version for each time.
"""

import numpy as np
import xarray as xr

EXPVER = "expver"
MOST_VERSIONS = 2


def is_version(name: str, size: int) -> bool:
    """Whether a dim tells final data from preliminary data."""
    return name == EXPVER and size <= MOST_VERSIONS


def merged(values: xr.Variable, order: tuple[int, ...]) -> xr.Variable:
    """Take the first version that has a value, at each point.

    Args:
        values: with a dim `expver`.
        order: indices along it, final data first.
    """
    versions = [values.isel({EXPVER: index}) for index in order]
    found = versions[0]
    for other in versions[1:]:
        known = found.values
        found = xr.Variable(found.dims, np.where(np.isnan(known), other.values, known))
    return found


def order_of_versions(data: xr.Dataset) -> tuple[int, ...]:
    """Indices along `expver`, final data first; none without such a dim."""
    count = data.sizes.get(EXPVER, 0)
    if not is_version(EXPVER, count) or count < MOST_VERSIONS:
        return ()
    numbers = range(count)
    if EXPVER in data.variables and data.variables[EXPVER].dims == (EXPVER,):
        # Numbers or texts: 1 before 5, "0001" before "0005".
        return tuple(np.argsort(data.variables[EXPVER].values, kind="stable").tolist())
    return tuple(numbers)


def version_notes(data: xr.Dataset, time: str | None, order: tuple[int, ...]) -> tuple[str, ...]:
    """Say that versions are merged, or which times are preliminary."""
    if order:
        return ("final and preliminary data (expver) are merged: final values where there are any",)
    if time is None or EXPVER not in data.variables or data.variables[EXPVER].dims != (time,):
        return ()
    numbers = [str(value).lstrip("0") for value in data.variables[EXPVER].values.astype("U")]
    later = [index for index, number in enumerate(numbers) if number != "1"]
    if not later or len(later) == len(numbers):
        return ()
    return (
        f"preliminary data (expver {numbers[later[0]]}) at {len(later)} of {len(numbers)} times, "
        f"the first at time index {later[0]}",
    )
