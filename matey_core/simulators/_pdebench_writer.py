"""Grouped HDF5 files in PDEBench's layout: one group a sample.

0000/data      (t, y, x, c) float32, lzf
0000/grid/x, y, t           float32, cell centres and times
0000           attribute `config`: the sample's parameters as YAML
"""

import io
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import yaml
from jaxtyping import Float

from matey_core.errors import RunError


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupedSample:
    """One trajectory as it stands in the file."""

    seed: int
    data: Float[np.ndarray, "t *space c"]
    coordinates: Mapping[str, np.ndarray]
    """Values along "t" and along each space axis."""
    config: Mapping[str, object]


class GroupedWriter:
    """An open file that takes samples."""

    def __init__(self, disk: "_Disk", file: h5py.File) -> None:
        self._disk = disk
        self._file = file

    def add(self, sample: GroupedSample) -> None:
        """Write one sample as a group named after its seed.

        Raises:
            OSError: the disk did not take it.
        """
        group = self._file.create_group(f"{sample.seed:04d}")
        group.create_dataset("data", data=sample.data, dtype="f4", compression="lzf")
        for axis, values in sample.coordinates.items():
            group.create_dataset(f"grid/{axis}", data=values, dtype="f4", compression="lzf")
        group.attrs["config"] = yaml.safe_dump(dict(sample.config), sort_keys=False)
        self._file.flush()
        self._disk.check()


@contextmanager
def open_grouped(path: Path) -> Iterator[GroupedWriter]:
    """Open a new file that has its final name only once it is complete.

    Args:
        path: the file to make; its folder is made too, and an old file is replaced.

    Raises:
        RunError: the disk is full, or the folder cannot be written.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _Disk(partial, "w+") as disk:
            with h5py.File(disk, "w") as file:
                yield GroupedWriter(disk, file)
            disk.check()
        os.replace(partial, path)
    except OSError as error:
        raise RunError(
            f"{path} could not be written: {error.strerror or error}.",
            remedy="Free some space, or choose another place with --out.",
        ) from error
    finally:
        if path.parent.is_dir():
            partial.unlink(missing_ok=True)


class _Disk(io.FileIO):
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
