"""Zarr arrays and groups, versions 2 and 3.

What decides is asked from their JSON, which Zarr's specifications fix, and not from objects of
the package zarr, which change from version to version.
"""

import json
from operator import itemgetter
from pathlib import Path
from typing import Any

import zarr

from matey_core.errors import DataError
from matey_core.readers.array.lazy import Lazy, Stored

CODECS = ("codecs", "filters", "compressor")
ARRAY_FILES = ("zarr.json", ".zarray")


def open_zarr(path: Path) -> Stored | dict[str, Stored]:
    """Open an array, or those that lie directly in a group.

    Raises:
        DataError: it is a store of matey, or an array is compressed by running programs.
    """
    # Not consolidated: what each array says of itself is what is looked at here.
    found: Any = (
        zarr.open_array(str(path), mode="r")
        if _is_array(path)
        else zarr.open_group(str(path), mode="r", use_consolidated=False)
    )
    if isinstance(found, zarr.Array):
        return _stored(path, path, found)
    if "matey_layout" in found.attrs:
        raise DataError(
            f"{path} is a store written by `matey prepare`, not a source.",
            remedy="Name the folder of the source.",
        )
    arrays = sorted(found.arrays(), key=itemgetter(0))
    return {name: _stored(path, path / name, array) for name, array in arrays}


def _is_array(path: Path) -> bool:
    if (path / "zarr.json").is_file():
        return bool(_described(path).get("node_type") == "array")
    return (path / ".zarray").is_file()


def _described(folder: Path) -> dict[str, Any]:
    """Read the metadata of an array; those of version 3 come first, as for Zarr itself."""
    for name in ARRAY_FILES:
        if (folder / name).is_file():
            found: dict[str, Any] = json.loads((folder / name).read_bytes())
            return found
    raise FileNotFoundError(f"{folder} has none of {', '.join(ARRAY_FILES)}")


def _stored(path: Path, folder: Path, array: "zarr.Array[Any]") -> Stored:
    described = _described(folder)
    if any("pickle" in str(described.get(key)).lower() for key in CODECS):
        raise DataError(
            f"{path}: {array.name} is pickled, which can run programs when it is read.",
            remedy="Save the numbers as a floating type.",
        )
    attributes = dict(array.attrs)
    names = described.get("dimension_names") or attributes.pop("_ARRAY_DIMENSIONS", None) or ()
    named = tuple(names) if isinstance(names, list | tuple) else ()
    is_named = len(named) == array.ndim and all(isinstance(name, str) for name in named)
    is_zero = described.get("zarr_format") == 2 and described.get("fill_value") == 0
    values = Lazy(array.shape, array.dtype, array.__getitem__)
    return Stored(values, named if is_named else None, attributes, is_zero)
