"""HDF5 files: told by content, opened, and what in them may be read."""

import math
import os
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import h5py
import numpy as np

from matey_core.containers.filters import check_filters, load_filters
from matey_core.containers.trial import check_metadata
from matey_core.errors import DataError
from matey_core.files import version

SIGNATURE = b"\x89HDF\r\n\x1a\n"
SUFFIXES = (".h5", ".hdf5", ".hdf", ".he5")
MAX_LENGTH = 2**24
"""More samples, times or points along one axis are a sign of damage."""
MOST_EMPTY, MOST_PACKED = 2**26, 2**16
"""Bytes that an array may declare, and declared bytes for each that it holds, beyond which it was
never written: no compression of fields comes near."""
MOST_CHUNK = 2**30
"""Bytes of a compressed chunk, which is unpacked whole for each of its frames."""
MAX_VALUES = 2**16
"""An attribute with more values is damaged: HDF5 keeps them small."""
BARE_DIM = b"This is a netCDF dimension but not a netCDF variable"
"""What NetCDF writes about a dim that has no positions."""
MAX_OPEN = 8
"""Files that a process keeps open: opening one takes a millisecond."""
DAMAGES = (KeyError, RuntimeError, ValueError, TypeError, MemoryError, OverflowError)
"""What h5py raises on damaged files, beside OSError."""


Item = TypeVar("Item", h5py.Group, h5py.Dataset, h5py.HLObject)


class _Kept(NamedTuple):
    stamp: tuple[int, ...]
    """What differs when the file was changed."""
    file: h5py.File
    user: weakref.ref[object]


_KEPT: dict[tuple[int, int], _Kept] = {}
"""By device and inode, the one that was used last at the end."""
os.register_at_fork(after_in_child=_KEPT.clear)


def is_hdf5(path: Path) -> bool:
    """Look for the signature at 0, 512, 1024, 2048, … as the format allows."""
    size, offset = path.stat().st_size, 0
    try:
        with path.open("rb") as file:
            while offset < size:
                file.seek(offset)
                if file.read(len(SIGNATURE)) == SIGNATURE:
                    return True
                offset = 2 * offset or 512
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    if path.suffix.lower() in SUFFIXES:
        raise DataError(
            f"{path} is named like HDF5 but is not HDF5 ({size} bytes).",
            remedy="Download it again, or move it away.",
        )
    return False


@contextmanager
def open_hdf5(path: Path, *, user: object = None) -> Iterator[h5py.File]:
    """Open a file for reading; whatever HDF5 finds wrong in it becomes a DataError.

    Args:
        path: the file.
        user: the source that reads, as it will read again: the file stays open as long as
            the source lives, up to `MAX_OPEN` files. A file that has changed is opened anew.
    """
    try:
        with _opened(path, user) as file:
            yield file
    except (*DAMAGES, OSError) as error:
        reason = " ".join(str(error).split())
        if isinstance(error, OSError) and error.errno:
            remedy = "Check that it is there, that you may read it, and that nobody writes to it."
            raise DataError(f"{path} cannot be read: {reason}.", remedy=remedy) from error
        cut_short = "truncated" in reason or "eof" in reason.lower()
        raise DataError(
            f"{path} is {'truncated' if cut_short else 'damaged'}: {reason}.",
            remedy="Download or copy it again.",
        ) from error


@contextmanager
def _opened(path: Path, user: object) -> Iterator[h5py.File]:
    info = path.stat()
    key, stamp = (info.st_dev, info.st_ino), version(info)
    kept = _KEPT.pop(key, None)
    if kept is not None and kept.stamp == stamp:
        _KEPT[key] = kept
        yield kept.file
        return
    # HDF5 would answer from what it knows of a file that is still open.
    del kept
    if user is None:
        check_metadata(path)
        with h5py.File(path, "r") as file:
            yield file
        return
    load_filters()
    kept = _Kept(stamp, h5py.File(path, "r"), weakref.ref(user, _forget))
    _KEPT[key] = kept
    while len(_KEPT) > MAX_OPEN:
        _KEPT.pop(next(iter(_KEPT)))
    yield kept.file


def _forget(user: weakref.ref[object], files: dict[tuple[int, int], _Kept] = _KEPT) -> None:
    """Close the files of a source that is gone; dropping the last reference closes a file.

    The files are bound, since the names of a module are gone before its objects when Python ends.
    """
    for key in [key for key, kept in files.items() if kept.user is user]:
        files.pop(key, None)


class Members(Mapping[str, Item]):
    """Groups or arrays that lie in a group itself, each looked up when it is asked for.

    Links, which may lead anywhere, are left out. So are arrays without a shape, and those
    whose values lie in other files.
    """

    def __init__(self, group: h5py.Group, kind: type[Item]) -> None:
        self._group = group
        self._kind = kind
        self._found: dict[str, Item | None] = {}

    def __getitem__(self, key: str) -> Item:
        if key not in self._found:
            self._found[key] = self._look_up(key)
        if (item := self._found[key]) is None:
            raise KeyError(key)
        return item

    def __iter__(self) -> Iterator[str]:
        return (key for key in self._group if key in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _look_up(self, key: str) -> Item | None:
        # A damaged name, which is no text, comes as bytes.
        name = key if isinstance(key, bytes) else key.encode("utf-8", "surrogateescape")
        if b"/" in name:  # a way through other groups, whose links may lead out of the file
            return None
        links = self._group.id.links
        if not links.exists(name) or links.get_info(name).type != h5py.h5l.TYPE_HARD:
            return None
        try:
            item = self._group[key]
        except KeyError as error:  # It is there, but damaged: not the same as absent.
            raise RuntimeError(error.args[0]) from error
        if not isinstance(item, self._kind) or not isinstance(item, h5py.Group | h5py.Dataset):
            return None  # A type may have a name as well.
        if isinstance(item, h5py.Dataset) and not _holds_values(item):
            return None
        return item


def _holds_values(array: h5py.Dataset) -> bool:
    is_here = array.shape is not None and not array.external and not array.is_virtual
    return is_here and not _is_bare_dim(array)


def _is_bare_dim(array: h5py.Dataset) -> bool:
    """Whether an array only stands for a dim of NetCDF, and was never filled."""
    if "_Netcdf4Dimid" not in array.attrs or array.id.get_storage_size():
        return False
    name = array.attrs.get("NAME", b"")
    return isinstance(name, bytes) and name.startswith(BARE_DIM)


def datasets(group: h5py.Group) -> Mapping[str, h5py.Dataset]:
    """Arrays that lie in a group itself."""
    return Members(group, h5py.Dataset)


def groups(group: h5py.Group) -> Mapping[str, h5py.Group]:
    """Groups that lie in a group itself."""
    return Members(group, h5py.Group)


def members(group: h5py.Group) -> Mapping[str, h5py.Group | h5py.Dataset]:
    """Groups and arrays that lie in a group itself."""
    return Members(group, h5py.HLObject)


def attributes(item: h5py.Group | h5py.Dataset) -> dict[str, Any]:
    """Attributes that are numbers, truth values or text, one or a list.

    Others are left out without reading them, as HDF5 does not survive every damaged one.
    """
    found = {}
    for name in item.attrs:
        kept = item.attrs.get_id(name)
        is_plain = kept.dtype.kind in "fiubS" or h5py.check_string_dtype(kept.dtype)
        if is_plain and math.prod(kept.shape or ()) <= MAX_VALUES:
            found[name] = item.attrs[name]
    return found


def is_netcdf(file: h5py.File) -> bool:
    """Whether a file was written by NetCDF-4, which is HDF5 with dimension scales."""
    if "_NCProperties" in file.attrs:
        return True
    return any("_Netcdf4Dimid" in array.attrs for array in datasets(file).values())


def is_well(file: h5py.File) -> bool:
    """Whether a file has the layout of The Well."""
    return {"grid_type", "n_spatial_dims"} <= set(file.attrs) and "dimensions" in groups(file)


def small(path: Path, array: h5py.Dataset) -> np.ndarray:
    """Read an array of coordinates or times, which is small.

    Raises:
        DataError: it holds no real numbers, or too many to be coordinates.
    """
    if array.dtype.kind not in "fiu" or array.size > MAX_LENGTH:
        raise DataError(
            f"{path}: {array.name} has shape {array.shape} and type {array.dtype}; "
            "expected real numbers, one for each point or time."
        )
    check_filters(path, array)
    return array[...]


def clip(start: int, stop: int, frames: int) -> slice:
    """Frames from `start` to `stop` (exclusive), as far as there are."""
    first = min(max(start, 0), frames)
    return slice(first, min(max(stop, first), frames))


def chunk_along(array: h5py.Dataset, axis: int) -> int:
    """Points of a chunk along an axis; 1 where values lie one after another."""
    return int(array.chunks[axis]) if array.chunks else 1


def floating(path: Path, *arrays: h5py.Dataset) -> np.dtype:
    """Return the little-endian floating type that holds all arrays exactly.

    Raises:
        DataError: an array is empty or holds no floating-point numbers.
    """
    for array in arrays:
        if array.dtype.kind != "f" or array.dtype.itemsize > 8 or not array.size:
            raise DataError(
                f"{path}: {array.name} has shape {array.shape} and type {array.dtype}; "
                "expected floating-point values of at most 64 bits."
            )
        check_written(path, array)
    return np.result_type(*(array.dtype for array in arrays)).newbyteorder("<")


def check_written(path: Path, array: h5py.Dataset) -> None:
    """Refuse an array that was declared and never filled, or whose shape cannot be true.

    Raises:
        DataError: it is one.
    """
    if max(array.shape, default=1) > MAX_LENGTH or array.id.get_storage_size() == 0:
        raise DataError(
            f"{path}: {array.name} is declared with shape {array.shape} and holds "
            f"{array.id.get_storage_size()} bytes.",
            remedy="Download or copy it again, or let the program that writes it finish.",
        )
    check_size(path, array)


def check_size(path: Path, array: h5py.Dataset) -> None:
    """Refuse an array that asks for far more memory than its file can stand for.

    Raises:
        DataError: it does.
        ConfigError: it is compressed by a filter that is not there.
    """
    check_filters(path, array)
    declared, held = array.size * array.dtype.itemsize, array.id.get_storage_size()
    if declared > MOST_EMPTY and declared > MOST_PACKED * held:
        raise DataError(
            f"{path}: {array.name} is declared with {declared:,} bytes and holds {held:,} bytes.",
            remedy="Download or copy it again, or let the program that writes it finish.",
        )
    chunk = math.prod(array.chunks or ()) * array.dtype.itemsize
    if chunk > MOST_CHUNK and array.id.get_create_plist().get_nfilters():
        raise DataError(
            f"{path}: {array.name} has compressed chunks of {chunk:,} bytes, of {MOST_CHUNK:,} at "
            "most: every frame would unpack a whole one.",
            remedy="Write it again in smaller chunks, such as h5repack -l CHUNK=1x1x128x128.",
        )


def same_shape(path: Path, arrays: Mapping[str, h5py.Dataset]) -> tuple[int, ...]:
    """Return the shape that all arrays share.

    Raises:
        DataError: shapes differ.
    """
    first = next(iter(arrays.values()))
    for array in arrays.values():
        check_size(path, array)
        if array.shape != first.shape:
            raise DataError(
                f"{path}: {first.name} has shape {first.shape} and {array.name} has shape "
                f"{array.shape}; the arrays of a file must have one shape."
            )
    if max(first.shape, default=0) > MAX_LENGTH:
        check_written(path, first)
    return first.shape


def text_of(value: Any) -> str:
    """Turn an attribute that may be bytes, a string or an array of one into a string."""
    value = value.item() if isinstance(value, np.ndarray) and value.size == 1 else value
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
