"""A disk that fails without taking HDF5 with it."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py


@contextmanager
def new_hdf5(path: Path) -> Iterator[h5py.File]:
    """Open a new HDF5 file.

    Raises:
        OSError: the disk did not take it.
    """
    with Disk(path, "w+") as disk:
        with h5py.File(disk, "w") as file:
            yield file
        disk.check()


class Disk(io.FileIO):
    """A file that keeps a failure to itself until it is asked.

    HDF5 does not survive a failed write: it tries again whenever an object is
    released, and crashes the process in the end.
    """

    failure: OSError | None = None

    def write(self, data: Any, /) -> int:
        """Write all of `data`, or drop it once something has failed."""
        view = memoryview(data).cast("B")
        written = 0
        while self.failure is None and written < len(view):
            try:
                written += super().write(view[written:])
            except OSError as error:
                self.failure = error
        return len(view)

    def truncate(self, size: int | None = None, /) -> int:
        """Change the length, unless something has failed."""
        try:
            return super().truncate(size)
        except OSError as error:
            self.failure = self.failure or error
            return self.tell() if size is None else size

    def check(self) -> None:
        """Raise what went wrong, if anything did."""
        if self.failure is not None:
            raise self.failure
