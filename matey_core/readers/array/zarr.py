"""Zarr arrays and groups, versions 2 and 3."""

from operator import itemgetter
from pathlib import Path
from typing import Any

import zarr

from matey_core.errors import DataError
from matey_core.readers.array.lazy import Lazy, Stored

CODECS = ("codecs", "filters", "compressor")


def open_zarr(path: Path) -> Stored | dict[str, Stored]:
    """Open an array, or those that lie directly in a group.

    Raises:
        DataError: it is a store of matey, or an array is compressed by running programs.
    """
    found = zarr.open(str(path), mode="r")
    if isinstance(found, zarr.Array):
        return _stored(path, found)
    if "matey_layout" in found.attrs:
        raise DataError(
            f"{path} is a store that prepare has written, and no source.",
            remedy="Name the folder of the source.",
        )
    return {name: _stored(path, array) for name, array in sorted(found.arrays(), key=itemgetter(0))}


def _stored(path: Path, array: zarr.Array[Any]) -> Stored:
    metadata: dict[str, Any] = dict(array.metadata.to_dict())
    if any("pickle" in str(metadata.get(key)).lower() for key in CODECS):
        raise DataError(
            f"{path}: {array.name} is pickled, which can run programs when it is read.",
            remedy="Save the numbers as a floating type.",
        )
    attributes = dict(array.attrs)
    names = metadata.get("dimension_names") or attributes.pop("_ARRAY_DIMENSIONS", None) or ()
    named = tuple(names) if isinstance(names, list | tuple) else ()
    is_named = len(named) == array.ndim and all(isinstance(name, str) for name in named)
    is_zero = metadata.get("zarr_format") == 2 and bool(array.fill_value == 0)
    values = Lazy(array.shape, array.dtype, array.__getitem__)
    return Stored(values, named if is_named else None, attributes, is_zero)
