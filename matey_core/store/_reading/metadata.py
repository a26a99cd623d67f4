"""What the metadata of an array say of its files, by the specification of Zarr version 3.

Only the JSON is asked, never an object of the package zarr: its classes change from version to
version, and the specification does not (https://zarr-specs.readthedocs.io/en/latest/v3/core).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from matey_core.files import read_json
from matey_core.store._reading.layout import ArrayLayout

Described = Mapping[str, Any]
"""Parsed JSON of an array or a group."""
FILE = "zarr.json"
VERSION_2 = (".zgroup", ".zarray", ".zmetadata")
FLOATS = {"float16": "<f2", "float32": "<f4", "float64": "<f8"}
BFLOAT16 = "bfloat16"
"""Value of the attribute `matey_dtype` of an array of uint16 bit patterns."""
QUIET_NAN = 0x7FC0
"""NaN among the bit patterns of bfloat16."""
LITTLE = ("bytes", {"endian": "little"})


class ForeignLayoutError(Exception):
    """Why an array is left to Zarr's machinery, as a clause without a period."""


class _Pieces(NamedTuple):
    """Shapes of what is in one file, and of what is compressed together."""

    file: tuple[int, ...]
    piece: tuple[int, ...]
    is_compressed: bool


def group_metadata(path: Path) -> Described:
    """Read what a group says of itself.

    Raises:
        ValueError: it is no JSON object, or of Zarr version 2.
        OSError: there is none.
    """
    try:
        return _object(path / FILE)
    except FileNotFoundError:
        if any((path / name).exists() for name in VERSION_2):
            raise ValueError("it is of Zarr version 2, and stores are of version 3") from None
        raise


def array_metadata(path: Path, name: str, group: Described) -> Described:
    """Find the metadata of an array where Zarr does.

    Args:
        path: of the group.
        name: of the array.
        group: what `group_metadata` gave: it may hold the metadata of all its arrays.

    Raises:
        KeyError: the group lists its arrays, and not this one.
        TypeError: it is no array.
        ValueError: it is no JSON object.
        OSError: there is none.
    """
    consolidated = group.get("consolidated_metadata")
    found = consolidated["metadata"][name] if consolidated else _object(path / name / FILE)
    if found["node_type"] != "array":
        raise TypeError(f"{name!r} is no array")
    return found


def layout_of(described: Described, *, has_time: bool) -> ArrayLayout:
    """Describe the files of an array with dims (sample, time, *space) or (sample, *space).

    Raises:
        ForeignLayoutError: only Zarr itself can read them.
        TypeError: its values are no floating-point numbers.
        ValueError: it contradicts itself.
    """
    stored, is_bfloat16 = _values(described)
    first = 2 if has_time else 1
    shape = _sizes(described["shape"], least=0)
    _check_names(described)
    file, piece, is_compressed = _pieces(described)
    if not len(shape) == len(file) == len(piece) > first:
        raise ValueError(f"chunks of {len(file)} axes, for {len(shape)} axes")
    if not (file[0] == piece[0] == 1 and file[first:] == piece[first:] == shape[first:]):
        raise ForeignLayoutError("a chunk is not the whole of space of one sample")
    if has_time and file[1] % piece[1]:
        raise ValueError(f"chunks of {file[1]} frames, in pieces of {piece[1]}")
    # With any other value to fill up with, a file may be left out, by Zarr's rules.
    if not _is_nan(described["fill_value"], stored, is_bfloat16=is_bfloat16):
        raise ForeignLayoutError(f"{described['fill_value']!r} stands for values left out")
    return ArrayLayout(
        stored=stored,
        space=shape[first:],
        has_time=has_time,
        block=file[1] if has_time else 1,
        piece=piece[1] if has_time else 1,
        is_compressed=is_compressed,
        is_bfloat16=is_bfloat16,
    )


def _object(file: Path) -> Described:
    found = read_json(file)
    if not isinstance(found, dict):
        raise ValueError(f"{file} holds no JSON object")
    return found


def _values(described: Described) -> tuple[np.dtype, bool]:
    """Type in the files, and whether it is the bit patterns of bfloat16."""
    name, _ = _named(described["data_type"])
    is_bfloat16 = described.get("attributes", {}).get("matey_dtype") == BFLOAT16
    if is_bfloat16 and name == "uint16":
        return np.dtype("<u2"), True
    if name not in FLOATS:
        raise TypeError(f"it holds {name}, no floating-point numbers")
    return np.dtype(FLOATS[name]), False


def _sizes(found: Any, *, least: int) -> tuple[int, ...]:
    if not isinstance(found, list) or not all(type(size) is int for size in found):
        raise ValueError(f"{found!r} is no list of sizes")
    if min(found, default=least) < least:
        raise ValueError(f"{found!r} has a size below {least}")
    return tuple(found)


def _check_names(described: Described) -> None:
    """Ask for one file a chunk, named by its indices below the folder `c`."""
    name, options = _named(described["chunk_key_encoding"])
    if name != "default" or options.get("separator", "/") != "/":
        raise ForeignLayoutError("the files of chunks have other names")
    if described.get("storage_transformers"):
        raise ForeignLayoutError("a storage transformer changes the files")


def _pieces(described: Described) -> _Pieces:
    """Sizes of chunks, where they are raw values, or Blosc's in shards with a checked index."""
    name, grid = _named(described["chunk_grid"])
    if name != "regular":
        raise ForeignLayoutError(f"chunks lie on a grid that is {name}")
    file = _sizes(grid["chunk_shape"], least=1)
    codecs = [_named(codec) for codec in described["codecs"]]
    if codecs == [LITTLE]:
        return _Pieces(file, file, is_compressed=False)
    if [name for name, _ in codecs] != ["sharding_indexed"]:
        raise ForeignLayoutError(f"chunks are encoded by {_spelled(codecs)}")
    sharding = codecs[0][1]
    inner, index = ([_named(c) for c in sharding[key]] for key in ("codecs", "index_codecs"))
    if len(inner) != 2 or inner[0] != LITTLE or inner[1][0] != "blosc":
        raise ForeignLayoutError(f"pieces of shards are encoded by {_spelled(inner)}")
    is_checked = len(index) == 2 and index[0] == LITTLE and index[1][0] == "crc32c"
    if not is_checked or sharding.get("index_location", "end") != "end":
        raise ForeignLayoutError("the index of shards has another form")
    return _Pieces(file, _sizes(sharding["chunk_shape"], least=1), is_compressed=True)


def _named(found: Any) -> tuple[str, Mapping[str, Any]]:
    """Name and options of an extension point; one without options may be only its name."""
    if isinstance(found, str):
        return found, {}
    return str(found["name"]), found.get("configuration") or {}


def _spelled(codecs: Sequence[tuple[str, Mapping[str, Any]]]) -> str:
    """Names of codecs, and the byte order where there is one."""
    words = (
        f"{name} ({options['endian']}-endian)" if "endian" in options else name
        for name, options in codecs
    )
    return ", ".join(words) or "nothing"


def _is_nan(fill_value: Any, stored: np.dtype, *, is_bfloat16: bool) -> bool:
    """Whether what was never written reads as NaN; hexadecimal digits are its bits."""
    if is_bfloat16:
        return bool(fill_value == QUIET_NAN)
    if isinstance(fill_value, str) and fill_value.startswith("0x"):
        bits = bytes.fromhex(fill_value[2:])
        if len(bits) != stored.itemsize:
            raise ValueError(f"{fill_value} is no value of {stored.itemsize} bytes")
        return bool(np.isnan(np.frombuffer(bits, stored.newbyteorder(">"))[0]))
    return bool(fill_value == "NaN")
