"""Zarr arrays and groups, versions 2 and 3.

What decides is asked from their JSON, which Zarr's specifications fix, and not from objects of
the package zarr, which change from version to version.
"""

import math
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import Any

import zarr

from matey_core.containers.lazy import Lazy, Stored
from matey_core.errors import DataError
from matey_core.files import check_regular_below, entries_of, read_json

SAFE = frozenset(
    {"adler32", "astype", "bitround", "blosc", "bytes", "bz2", "crc32", "crc32c", "delta"}
    | {"fixedscaleoffset", "fletcher32", "gzip", "jenkins_lookup3", "json2", "lz4", "lzma"}
    | {"packbits", "pcodec", "quantize", "sharding_indexed", "shuffle", "transpose"}
    | {"vlen-array", "vlen-bytes", "vlen-utf8", "zfpy", "zlib", "zstd"}
)
"""Codecs that only move, compress or check bytes. Others, `pickle` among them, may run programs."""
MOST_CHUNK = 2**30
"""Bytes of a chunk, which is unpacked whole for each of its frames."""
ARRAY_FILES = {3: "zarr.json", 2: ".zarray"}
"""By version of the format."""


def open_zarr(path: Path) -> Stored | dict[str, Stored]:
    """Open an array, or those that lie directly in a group.

    Raises:
        DataError: it is a store of matey, or an array is compressed by running programs.
    """
    check_regular_below(path)
    # Version 3 goes before, as for Zarr itself.
    version: Any = 3 if (path / ARRAY_FILES[3]).is_file() else 2
    if is_array := _is_array(path, version):
        _check_codecs(path, path, version)
    else:
        for folder in entries_of(path):
            if _is_array(folder, version):
                _check_codecs(path, folder, version)
    # Not consolidated: what each array says of itself is what is looked at here.
    found: Any = (
        zarr.open_array(str(path), mode="r", zarr_format=version)
        if is_array
        else zarr.open_group(str(path), mode="r", use_consolidated=False, zarr_format=version)
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


def inner_groups(path: Path) -> list[str]:
    """Name the groups in a group, whose arrays are not read."""
    version = 3 if (path / ARRAY_FILES[3]).is_file() else 2
    mark = {3: ARRAY_FILES[3], 2: ".zgroup"}[version]
    folders = [folder for folder in entries_of(path) if (folder / mark).is_file()]
    return [folder.name for folder in folders if not _is_array(folder, version)]


def _is_array(folder: Path, version: int) -> bool:
    if not (folder / ARRAY_FILES[version]).is_file():
        return False
    return version == 2 or _described(folder, version).get("node_type") == "array"


def _described(folder: Path, version: int) -> dict[str, Any]:
    """Read the metadata of an array, or of a group of version 3."""
    found = read_json(folder / ARRAY_FILES[version])
    if not isinstance(found, dict):
        raise ValueError(f"{folder / ARRAY_FILES[version]} holds no JSON object")
    return found


def _check_codecs(path: Path, folder: Path, version: int) -> None:
    if unknown := sorted(set(_codecs(_described(folder, version))) - SAFE):
        raise DataError(
            f"{path}: {folder.name} is encoded by {', '.join(unknown)}, and reading it might run "
            f"programs; known are {', '.join(sorted(SAFE))}.",
            remedy="Save the numbers as a floating type, with another compressor.",
        )


def _stored(path: Path, folder: Path, array: "zarr.Array[Any]") -> Stored:
    described = _described(folder, array.metadata.zarr_format)
    attributes = dict(array.attrs)
    names = described.get("dimension_names") or attributes.pop("_ARRAY_DIMENSIONS", None) or ()
    named = tuple(names) if isinstance(names, list | tuple) else ()
    is_named = len(named) == array.ndim and all(isinstance(name, str) for name in named)
    is_zero = described.get("zarr_format") == 2 and described.get("fill_value") == 0
    chunk = math.prod(array.chunks) * array.dtype.itemsize
    if chunk > MOST_CHUNK:
        raise DataError(
            f"{path}: {array.name} has chunks of {chunk:,} bytes, of {MOST_CHUNK:,} at most: every "
            "frame would unpack a whole one.",
            remedy="Write it again in smaller chunks.",
        )
    values = Lazy(array.shape, array.dtype, array.__getitem__)
    dims = named if is_named else None
    return Stored(values, dims, attributes, is_zero, chunks=tuple(array.chunks))


def _codecs(described: dict[str, Any]) -> Iterator[str]:
    """Names of all codecs of an array, as both versions write them, without a prefix."""
    for key in ("codecs", "index_codecs", "filters", "compressor"):
        found = described.get(key) or []
        for codec in found if isinstance(found, list) else [found]:
            names = [codec] if isinstance(codec, str) else [codec.get("id"), codec.get("name")]
            yield from (str(name).removeprefix("numcodecs.") for name in names if name)
            if not isinstance(codec, str):
                yield from _codecs(codec.get("configuration") or {})
