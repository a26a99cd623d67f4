"""Plain arrays: .npy, .npz and Zarr, with dims named by --dims sample,time,y,x,field."""

import shlex
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import ClassVar

from matey_core.containers.npy import is_npy, is_npz, shape_and_type
from matey_core.containers.tree import is_container
from matey_core.errors import ConfigError, DataError, MateyError, NothingFoundError
from matey_core.files import entries_of
from matey_core.quantities import names_a_field
from matey_core.readers import READERS, Join, Reader, ReaderOptions, Source
from matey_core.readers._find import walk
from matey_core.readers._options import dims_of, pairs
from matey_core.readers.array.files import has_known_dims, is_array, opened
from matey_core.readers.array.folders import (
    check_folders,
    check_join,
    files_of,
    is_one_source,
    join_of,
    repeated,
    trajectories,
)
from matey_core.readers.array.ranks import ArrayDims
from matey_core.readers.netcdf.clock import in_time, moments_in_time
from matey_core.readers.netcdf.header import open_dataset
from matey_core.readers.netcdf.source import DatasetSource, Opener
from matey_core.sources.in_time import look_like_steps, runs_in
from matey_core.sources.joined import Joined
from matey_core.sources.parts import opened_parts

LONE = "u"
"""Name of an array that has none."""
LIKELY = {2: "time,x", 3: "time,y,x", 4: "sample,time,y,x", 5: "sample,time,z,y,x"}
"""Dims by their number, as a proposal."""


@READERS.register("array")
class ArrayReader(Reader):
    """NumPy's files and Zarr; a folder of `.npy` files has a file a trajectory, or a field."""

    uses: ClassVar[frozenset[str]] = frozenset(ReaderOptions.__dataclass_fields__)

    def __init__(self, options: ReaderOptions | None = None) -> None:
        super().__init__(options)
        self._repeated: frozenset[Path] = frozenset()
        """Folders that were found beside others with files of the same names."""

    def recognizes(self, path: Path) -> bool:
        """Whether it holds arrays whose dims are known, by `--dims` or by themselves."""
        try:
            if path.is_file() or is_array(path):
                return is_array(path) and bool(self.options.dims or has_known_dims(path))
            if not self.options.dims:
                return False
            files = self._children(path)
            return bool(self._trajectories(path)) or self._is_one_source(path, files)
        except (MateyError, OSError):
            return False

    def advice(self, path: Path) -> str:
        """Say what may be typed to read a .npy file, or all that lie beside it."""
        try:
            dims = LIKELY.get(len(shape_and_type(path)[0])) if is_npy(path) else None
            place = path if len(self._children(path.parent)) < 2 else path.parent
        except (MateyError, OSError, ValueError):
            return ""
        words = shlex.join(("matey", "prepare", "array", str(place), "--dims", str(dims)))
        apart = "Frames and points are 1 apart, unless --time-step and --spacing say otherwise."
        return f"Say what its dims are; it may be: {words}\n{apart}" if dims else ""

    def find(self, folder: Path, *, exclude: Collection[Path] = ()) -> list[Path]:
        """List arrays, folders of `.npy` files that are one source, and folders of such folders."""
        if folder.is_file() and is_container(folder):
            return [folder]
        looked_at = list(walk(folder, exclude))
        found = [path for path in looked_at if is_array(path)]
        if not found:
            raise NothingFoundError(
                f"{folder} holds no .npy, .npz or Zarr array ({len(looked_at)} files and folders "
                "looked at).",
                remedy="Put arrays there, or name another folder.",
            )
        if found == [folder]:
            is_one_source([path for path in found if path.is_file()])  # Damage is an error here.
            return found
        beside: dict[Path, list[Path]] = {}
        for path in found:
            if path.is_file():
                beside.setdefault(path.parent, []).append(path)
        siblings = {p: parts for p, files in beside.items() if (parts := self._parts(files))}
        plain = [parent for parent, files in siblings.items() if any(map(is_npy, files))]
        self._repeated = repeated(plain)
        check_folders(plain, self.options.join)
        for parent, files in siblings.items():
            if self._is_one_source(parent, files):
                found = [path for path in found if path not in files] + [parent]
        for place in {parent.parent for parent in siblings} & {*looked_at}:
            if parts := self._trajectories(place):
                found = [path for path in found if path not in parts] + [place]
        return sorted(found)

    def open(self, path: Path) -> Source:
        """Read the header of an array, or of all of a folder; HDF5 is read by its own reader."""
        if path.is_file() and is_container(path):
            return READERS["hdf5"](self.options).open(path)
        # A lone array takes the one name that was given.
        is_lone = len(self.options.fields) == 1 and "field" not in self._roles()
        name = next(iter(pairs("fields", self.options.fields)), LONE) if is_lone else LONE
        opener = partial(opened, dims=ArrayDims.of(self.options), name=name)
        if not path.is_dir() or is_array(path):
            return self._open_file(path, opener)
        if parts := self._trajectories(path):
            is_in_time = self.options.join == "time"
            open_part = self._in_time if is_in_time else self._open_fields
            return Joined(path, opened_parts(parts, lambda part: open_part(part, opener)))
        files = self._children(path)
        if not files:
            raise DataError(f"{path} holds no .npy file.", remedy="Name a file, or a folder.")
        join = self._join_of(path)
        check_join(path, join)
        if join == "field":
            return self._open_fields(path, opener)
        if join == "time":
            return self._in_time(path, opener)
        sources = opened_parts(files, lambda file: self._open_file(file, opener))
        is_open = self.options.join == "auto"
        if is_open and (found := moments_in_time(path, sources, self.options)):
            return found
        joined = Joined(path, sources)
        if is_open:
            notes = (*joined.header.notes, *look_like_steps(sources))
            joined.header = replace(joined.header, notes=notes)
        return joined

    def _in_time(self, folder: Path, opener: Opener) -> Source:
        files = self._children(folder)
        sources = opened_parts(files, lambda path: self._open_file(path, opener))
        return in_time(folder, sources, self.options)

    def _open_file(self, path: Path, opener: Opener) -> DatasetSource:
        files = () if path.is_dir() else files_of(path)
        return open_dataset(path, self.options, opener, files=files)

    def _open_fields(self, folder: Path, opener: Opener) -> Source:
        return open_dataset(folder, self.options, opener, files=files_of(folder))

    def _children(self, folder: Path) -> list[Path]:
        """Files directly in a folder that may be parts of a source, by name."""
        return self._parts([path for path in entries_of(folder) if path.is_file()])

    def _parts(self, files: Sequence[Path]) -> list[Path]:
        """Choose the files of a folder that may be parts of one source.

        `.npz` files are, if a person says so. Several by themselves, with one trajectory each and
        no names of fields, need nobody to say so.
        """
        plain = [path for path in files if is_npy(path)]
        if self.options.join == "field":
            return plain
        packed = [path for path in files if is_npz(path)]
        if self.options.join == "auto":
            is_set = self.options.dims and "sample" not in self._roles() and len(packed) > 1
            if plain or not is_set or any(names_a_field(path.stem) for path in packed):
                return plain
        return [path for path in files if path in {*plain, *packed}]

    def _is_one_source(self, folder: Path, files: Sequence[Path]) -> bool:
        return is_one_source(files) or (bool(files) and self._join_of(folder) in ("field", "time"))

    def _join_of(self, folder: Path) -> Join:
        join = self.options.join
        if "field" not in self._roles():
            is_repeated = folder in self._repeated
            return join_of(
                folder,
                join,
                len(self._roles()),
                is_repeated=is_repeated,
                has_samples="sample" in self._roles(),
            )
        if join == "field":
            raise ConfigError(
                "--join field says that a file is a field, but --dims names a dim of fields.",
                remedy="Leave one of them out.",
            )
        return "sample" if join == "auto" else join

    def _trajectories(self, folder: Path) -> list[Path]:
        if not self.options.dims or not folder.is_dir() or is_array(folder):
            return []
        if self.options.join == "time":
            return runs_in(folder, self._children)
        if "field" in self._roles():
            return []
        return trajectories(folder, self.options.join, len(self._roles()))

    def _roles(self) -> Collection[str]:
        return dims_of(self.options).roles.values()
