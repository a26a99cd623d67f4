"""Writing large files past the page cache, where the system can."""

import errno
import mmap
import os
import threading
from pathlib import Path
from typing import IO

BUFFER = 4 * 2**20
"""Written at once."""
BLOCK = 4096
"""Offsets, sizes and addresses must be multiples of it."""
_local = threading.local()


def create(path: Path) -> "DirectFile | IO[bytes]":
    """Create a file whose bytes go straight to the disk; elsewhere an ordinary one.

    Nothing of a store that is larger than memory would stay in the page cache until it is
    read. Getting pages for it can cost more than all else, and pushes out what others need.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_DIRECT", 0)
    flags |= getattr(os, "O_NOFOLLOW", 0)
    try:
        return DirectFile(os.open(path, flags, 0o666))
    except OSError as error:
        if error.errno != errno.EINVAL:  # as file systems say that know no direct writing
            raise
        return path.open("wb", buffering=0)


class DirectFile:
    """Gathers bytes in an aligned buffer and writes it when it is full."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._buffer: mmap.mmap = getattr(_local, "buffer", None) or mmap.mmap(-1, BUFFER)
        _local.buffer = None  # nobody else's until this file is closed
        self._filled = 0
        self._size = 0

    def write(self, content: memoryview) -> int:
        """Take all of `content`."""
        rest = content
        while len(rest):
            part = rest[: BUFFER - self._filled]
            self._buffer[self._filled : self._filled + len(part)] = part
            self._filled += len(part)
            rest = rest[len(part) :]
            if self._filled == BUFFER:
                self._flush()
        return len(content)

    def close(self) -> None:
        """Write what is left, in whole blocks, and cut the file to its size."""
        if self._descriptor < 0:
            return
        try:
            size = self._size + self._filled
            if self._filled:
                self._filled = -(-self._filled // BLOCK) * BLOCK
                self._flush()
                os.ftruncate(self._descriptor, size)
        finally:
            os.close(self._descriptor)
            self._descriptor = -1
            _local.buffer = self._buffer

    def _flush(self) -> None:
        view = memoryview(self._buffer)[: self._filled]
        self._filled = 0
        while len(view):
            count = os.write(self._descriptor, view)
            self._size += count
            view = view[count:]
