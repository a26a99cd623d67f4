"""Plain arrays: .npy, .npz and Zarr, with dims named by --dims sample,time,y,x,field."""

from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import ClassVar

from matey_core.errors import DataError, MateyError
from matey_core.readers import READERS, Reader, ReaderOptions, Source
from matey_core.readers._find import walk
from matey_core.readers._joined import Joined
from matey_core.readers._options import named_dims, pairs
from matey_core.readers.array.files import has_known_dims, is_array, opened
from matey_core.readers.array.npy import is_npy, shape_and_type
from matey_core.readers.netcdf.files import reading
from matey_core.readers.netcdf.header import open_dataset

LONE = "u"
"""Name of an array that has none."""


@READERS.register("array")
class ArrayReader(Reader):
    """NumPy's files and Zarr; a folder of `.npy` files of one shape has a file a trajectory."""

    uses: ClassVar[frozenset[str]] = frozenset(ReaderOptions.__dataclass_fields__)

    def recognizes(self, path: Path) -> bool:
        """Whether it holds arrays whose dims are known, by `--dims` or by themselves."""
        try:
            if path.is_file() or is_array(path):
                return is_array(path) and bool(self.options.dims or has_known_dims(path))
            return bool(self.options.dims) and _is_one_source(_children(path))
        except (MateyError, OSError):
            return False

    def find(self, folder: Path, *, exclude: Collection[Path] = ()) -> list[Path]:
        """List arrays, and folders of `.npy` files of one shape."""
        looked_at = list(walk(folder, exclude))
        found = [path for path in looked_at if is_array(path)]
        if not found:
            raise DataError(
                f"{folder} holds no .npy, .npz or Zarr array ({len(looked_at)} files and folders "
                "looked at).",
                remedy="Put arrays there, or name another folder.",
            )
        if found == [folder]:
            return found
        siblings: dict[Path, list[Path]] = {}
        for path in found:
            if path.is_file() and is_npy(path):
                siblings.setdefault(path.parent, []).append(path)
        for parent, files in siblings.items():
            if _is_one_source(files):
                found = [path for path in found if path not in files] + [parent]
        return sorted(found)

    def open(self, path: Path) -> Source:
        """Read the header of an array, or of all of a folder."""
        # A lone array takes the one name that was given.
        is_lone = len(self.options.fields) == 1 and "field" not in self._roles()
        name = next(iter(pairs("fields", self.options.fields)), LONE) if is_lone else LONE
        dims = tuple(pairs("dims", self.options.dims).values())
        opener = partial(opened, dims=dims, name=name)
        if not path.is_dir() or is_array(path):
            return open_dataset(path, self.options, opener)
        files = _children(path)
        if not files:
            raise DataError(f"{path} holds no .npy file.", remedy="Name a file, or a folder.")
        return Joined(path, [open_dataset(file, self.options, opener) for file in files])

    def _roles(self) -> Collection[str]:
        return named_dims(self.options.dims).roles.values()


def _children(folder: Path) -> list[Path]:
    """`.npy` files directly in a folder, by name."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_file() and is_npy(path))


def _is_one_source(files: list[Path]) -> bool:
    kinds = set()
    for path in files:
        with reading(path):
            kinds.add(shape_and_type(path))
    return len(kinds) == 1
