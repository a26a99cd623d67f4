"""Variables of HDF5 that need no decoding, read without xarray.

xarray takes some 10 ms to open a file, and a folder may have thousands of them.
"""

import os
from collections.abc import Collection, Mapping
from functools import lru_cache
from pathlib import Path

import h5py
import numpy as np
import xarray as xr

from matey_core.containers.filters import check_filters
from matey_core.containers.hdf5 import is_hdf5
from matey_core.containers.links import inside
from matey_core.errors import DataError
from matey_core.files import version

OPEN_FILES = 4
"""How many files a process keeps open between reads."""
CODED = ("scale_factor", "add_offset", "missing_value", "_FillValue", "_Unsigned")
"""Attributes that xarray decodes values by."""

Dims = tuple[str, ...]


def plain_variables(path: Path, data: xr.Dataset, names: Collection[str]) -> dict[str, Dims]:
    """Choose the variables whose values in an HDF5 file are those that xarray gives.

    Args:
        path: the file.
        data: the file, opened by xarray.
        names: variables that are read.

    Returns:
        Names of variables and their dims; nothing if the file is not HDF5.
    """
    if not path.is_file() or not is_hdf5(path):
        return {}
    return {
        name: tuple(map(str, data.variables[name].dims))
        for name in names
        if _is_plain(data.variables[name])
    }


def _is_plain(variable: xr.Variable) -> bool:
    stored = variable.encoding.get("dtype")
    coded = [variable.encoding[key] for key in CODED if key in variable.encoding]
    # NaN as the fill value changes nothing.
    return (
        variable.dtype.kind == "f"
        and stored == variable.dtype
        and all(isinstance(value, np.floating) and np.isnan(value) for value in coded)
    )


def read_plain(
    path: Path, name: str, dims: Dims, where: Mapping[str | None, int | slice]
) -> xr.Variable:
    """Read a part of a variable.

    Args:
        path: an HDF5 file.
        name: of the variable.
        dims: of the variable.
        where: dim → the index or the indices that are taken; of other dims all are.

    Raises:
        DataError: it is not in the file, or needs a filter that lacks.
        OSError: the file cannot be read.
    """
    # A forked process must not share a file that HDF5 has open.
    item = inside(_opened(path, version(path.stat()), os.getpid()), name)
    if not isinstance(item, h5py.Dataset) or item.external or item.is_virtual:
        raise DataError(
            f"{path}: {name} lies in another file, or nowhere.",
            remedy="Copy its values into the file.",
        )
    check_filters(path, item)
    taken = [where.get(dim, slice(None)) for dim in dims]
    kept = [dim for dim, index in zip(dims, taken, strict=True) if isinstance(index, slice)]
    return xr.Variable(kept, item[tuple(taken)])


@lru_cache(maxsize=OPEN_FILES)
def _opened(path: Path, known: tuple[int, ...], process: int) -> h5py.File:
    return h5py.File(path, "r")
