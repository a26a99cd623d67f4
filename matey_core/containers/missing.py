"""Marks of missing values that have another type than the values they mark."""

import numpy as np
import xarray as xr

MARKS = ("_FillValue", "missing_value")


def is_inexact(dtype: np.dtype, mark: object) -> bool:
    """Whether a floating type has only a value near a mark, as float32 has near 1e20."""
    values = np.asarray(mark)
    if dtype.kind != "f" or values.dtype.kind != "f" or not values.size:
        return False
    with np.errstate(over="ignore"):
        return bool((values.astype(dtype) != values)[np.isfinite(values)].any())


def decoded(data: xr.Dataset, *, with_coordinates: bool = True) -> xr.Dataset:
    """Decode values as CF says, with marks of the type of the values; times stay numbers.

    Args:
        data: as it was opened, without decoding.
        with_coordinates: whether variables that attributes name become coordinates.
    """
    data = data.copy()
    for variable in data.variables.values():
        for key in MARKS:
            mark = variable.attrs.get(key)
            if mark is not None and is_inexact(variable.dtype, mark):
                with np.errstate(over="ignore"):
                    variable.attrs[key] = np.asarray(mark).astype(variable.dtype)[()]
    return xr.decode_cf(
        data, decode_times=False, decode_timedelta=False, decode_coords=with_coordinates
    )


def has_inexact_marks(data: xr.Dataset) -> bool:
    """Whether values were decoded with a mark that none of them can equal."""
    return any(
        is_inexact(np.dtype(variable.encoding.get("dtype", variable.dtype)), variable.encoding[key])
        for variable in data.variables.values()
        for key in MARKS
        if key in variable.encoding
    )
