"""Bytes of the files of an array: from memory maps, or from object storage by ranges."""

import itertools
import mmap
import weakref
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
from jaxtyping import UInt8

from matey_core.errors import DataError
from matey_core.files import check_regular
from matey_core.store._reading.recent import Recent

Bytes = UInt8[np.ndarray, "bytes"]
REMEDY = "Convert the source again with `matey prepare --overwrite`."
REMOTE_CACHE_BYTES = 256 * 2**20
"""Memory for what was fetched from object storage, over all stores."""
FEW_FILES = 256
MANY_FILES = 4096


class Range(NamedTuple):
    """Some bytes of a file."""

    name: str
    """Below the array's folder."""
    start: int
    """Counted from the end where it is below 0."""
    size: int


class Files(Protocol):
    """Where the bytes of an array's files come from."""

    def get(self, wanted: Range) -> Bytes:
        """Give bytes, not to be changed.

        Raises:
            DataError: the file is missing or too short.
        """
        ...

    def tail(self, name: str, size: int) -> Bytes:
        """Give the last bytes of a file.

        Raises:
            DataError: the file is missing or too short.
        """
        ...

    def announce(self, wanted: Sequence[Range]) -> None:
        """Say what will be read soon, so that it can come all at once."""
        ...


class _Map(NamedTuple):
    pages: mmap.mmap | None
    """None for an empty file."""
    content: Bytes


def _most_maps() -> int:
    """How many files may be mapped: each keeps one open."""
    try:
        import resource
    except ImportError:
        return FEW_FILES
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MANY_FILES if soft < 0 else max(16, min(MANY_FILES, soft // 4))


_MAPS: Recent[_Map] = Recent(_most_maps())
_NUMBERS = itertools.count()


class LocalFiles:
    """Files of a folder, mapped into memory: nothing is copied before it is used.

    A file that is replaced stays as it was for those who have it mapped.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._number = number = next(_NUMBERS)
        weakref.finalize(self, _MAPS.drop, number)

    def get(self, wanted: Range) -> Bytes:
        """Give a view of the file's pages."""
        content = self._mapped(wanted.name).content
        part = content[wanted.start : wanted.start + wanted.size]
        if len(part) != wanted.size:
            raise too_short(f"{self.folder / wanted.name}", wanted, len(part))
        return part

    def tail(self, name: str, size: int) -> Bytes:
        """Give a view of the file's last pages."""
        content = self._mapped(name).content
        if len(content) < size:
            raise too_short(f"{self.folder / name}", Range(name, 0, size), len(content))
        return content[len(content) - size :]

    def announce(self, wanted: Sequence[Range]) -> None:
        """Have the kernel fetch pages that are not in memory, several ranges at once."""
        for name, start, size in wanted:
            pages = self._mapped(name).pages
            if pages is None or not hasattr(pages, "madvise"):
                continue
            place = start if start >= 0 else max(0, len(pages) + start)
            first = place - place % mmap.PAGESIZE
            if first < len(pages):
                pages.madvise(mmap.MADV_WILLNEED, first, place + size - first)

    def _mapped(self, name: str) -> _Map:
        key = (self._number, name)
        found = _MAPS.get(key)
        if found is None:
            found = self._map(name)
            _MAPS.put(key, found)
        return found

    def _map(self, name: str) -> _Map:
        path = self.folder / name
        try:
            check_regular(path)
            with path.open("rb") as file:
                pages = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (FileNotFoundError, ValueError):  # ValueError: an empty file
            return _Map(None, np.empty(0, np.uint8))
        except OSError as error:
            raise DataError(f"{path} cannot be read: {error.strerror or error}.") from error
        return _Map(pages, np.frombuffer(pages, np.uint8))


_FETCHED: Recent[Bytes] = Recent(REMOTE_CACHE_BYTES, size=lambda value: value.nbytes)


class RemoteFiles:
    """Objects below a prefix, read by ranges: many at once, and kept for a while."""

    def __init__(self, folder: Any) -> None:
        """Remember where they are.

        Args:
            folder: a UPath.
        """
        self.folder = folder
        self._fs = folder.fs
        self._number = number = next(_NUMBERS)
        weakref.finalize(self, _FETCHED.drop, number)

    def get(self, wanted: Range) -> Bytes:
        """Give bytes that were announced, or fetch them now."""
        found = _FETCHED.get((self._number, wanted))
        if found is None:
            found = self._fetch([wanted])[0]
            if len(found) != wanted.size:
                raise too_short(f"{self.folder / wanted.name}", wanted, len(found))
            _FETCHED.put((self._number, wanted), found)
        return found

    def tail(self, name: str, size: int) -> Bytes:
        """Fetch the last bytes of an object."""
        return self.get(Range(name, -size, size))

    def announce(self, wanted: Sequence[Range]) -> None:
        """Fetch what is not here yet, neighbors by one request, all requests at once."""
        missing = {part for part in wanted if _FETCHED.get((self._number, part)) is None}
        runs = list(_neighbors(missing))
        spans = [_span(run) for run in runs]
        for run, span, content in zip(runs, spans, self._fetch(spans), strict=True):
            for part in run:
                start = part.start - span.start
                # What is too short is not kept: `get` will try again and tell.
                if len(piece := content[start : start + part.size]) == part.size:
                    _FETCHED.put((self._number, part), piece)

    def _fetch(self, ranges: Sequence[Range]) -> list[Bytes]:
        if not ranges:
            return []
        paths = [f"{self.folder.path.rstrip('/')}/{part.name}" for part in ranges]
        stops = [None if start < 0 else start + size for _, start, size in ranges]
        try:
            found = self._fs.cat_ranges(
                paths, [part.start for part in ranges], stops, on_error="return"
            )
        except Exception as error:
            # Packages for object storage raise errors of their own, of many kinds.
            raise DataError(f"{self.folder} cannot be read: {error}.") from error
        return [_content(self.folder, *pair) for pair in zip(ranges, found, strict=True)]


def _content(folder: Any, part: Range, found: Any) -> Bytes:
    if isinstance(found, FileNotFoundError):
        return np.empty(0, np.uint8)
    if isinstance(found, BaseException):
        raise DataError(f"{folder / part.name} cannot be read: {found}.") from found
    return np.frombuffer(found, np.uint8)


def _neighbors(parts: Iterable[Range]) -> Iterator[list[Range]]:
    """Group ranges that follow each other without a gap."""
    run: list[Range] = []
    for part in sorted(parts):
        if run and (part.name, part.start) != (run[-1].name, run[-1].start + run[-1].size):
            yield run
            run = []
        run.append(part)
    if run:
        yield run


def _span(run: Sequence[Range]) -> Range:
    first, last = run[0], run[-1]
    return Range(first.name, first.start, last.start + last.size - first.start)


def too_short(path: str, wanted: Range, found: int) -> DataError:
    """Say that a file ends before the bytes wanted."""
    return DataError(
        f"{path}: {wanted.size} bytes expected at {wanted.start}, {found} found.", remedy=REMEDY
    )
