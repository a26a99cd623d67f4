"""HDF5 of any layout, and MATLAB's files: fields by path, dims by name, a dim or group a sample."""

import shlex
from collections.abc import Hashable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from matey_core.containers.athena import is_marked_athena
from matey_core.containers.damage import reading
from matey_core.containers.hdf5 import is_netcdf, is_well, open_hdf5
from matey_core.containers.matlab5 import is_matlab5
from matey_core.containers.tree import arrays_of, first_arrays, has_names, is_container
from matey_core.errors import MateyError
from matey_core.readers import READERS
from matey_core.readers.hdf5.contents import contents_of
from matey_core.readers.hdf5.dataset import DIMS, FIELDS, NOTES, open_arrays, opened
from matey_core.readers.hdf5.fields import known_recipe, may_tell
from matey_core.readers.netcdf.folders import FileReader
from matey_core.readers.netcdf.header import open_dataset
from matey_core.readers.netcdf.source import DatasetSource


@READERS.register("hdf5")
class Hdf5Reader(FileReader):
    """Whatever lies in HDF5; Dedalus, Athena++, PDEArena and JHTDB's cutouts tell it themselves."""

    name: ClassVar[str] = "hdf5"
    kind: ClassVar[str] = "HDF5 or MATLAB"

    def recognizes(self, path: Path) -> bool:
        """Whether all about a file is known: by options, or by a layout that tells it."""
        try:
            files = [path] if path.is_file() else self._children(path)
            is_known = bool(files) and self.is_one(files[0])
            is_known = is_known and (self._is_told() or _tells(files[0]))
            return is_known and super().recognizes(path)
        except (MateyError, OSError):
            return False

    def _is_told(self) -> bool:
        return bool(self.options.dims or self.options.fields)

    def advice(self, path: Path) -> str:
        """Say what may be typed to read a file that nobody recognizes."""
        try:
            words = contents_of(path).command if self.is_one(path) else ()
        except (MateyError, OSError):
            return ""
        return f"Say what it holds; it may be: {shlex.join(('matey', *words))}" if words else ""

    def is_one(self, path: Path) -> bool:
        """Whether a file is HDF5 or of MATLAB 5, by content."""
        return not path.name.startswith(".") and is_container(path)

    def structure(self, path: Path) -> Hashable:
        """Say what arrays a file has."""
        if not self._is_told() and not _tells(path):
            return path  # It is like no other, as nobody knows what it is.
        return frozenset((n, a.shape, a.dtype.str) for n, a in arrays_of(path).items())

    def open_file(self, path: Path) -> DatasetSource:
        """Read the header of a file."""
        opener = partial(opened, options=self.options)
        with reading(path):
            data = opener(path)
        said = replace(
            self.options,
            dims=tuple(f"{dim}={dim}" for dim in data.attrs[DIMS]),
            fields=tuple(data.attrs[FIELDS]) if self.options.fields else (),
            component_dim="",
        )
        source = open_dataset(path, said, opener)
        if notes := data.attrs[NOTES]:
            source.header = replace(source.header, notes=(*source.header.notes, *notes))
        return source


def _tells(path: Path) -> bool:
    """Whether a file has a layout that tells all about itself, and that no other reader knows."""
    if is_matlab5(path):
        return False
    with open_hdf5(path) as file:
        # Most files are told by their first arrays; the trees of some are large.
        is_marked = is_marked_athena(file) or may_tell(file)
        if not is_marked and not any(map(has_names, first_arrays(file))):
            return False
        if is_netcdf(file) or is_well(file):
            return False
    with reading(path):
        return known_recipe(open_arrays(path)) is not None
