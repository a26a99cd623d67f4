"""NetCDF: any CF-like file, or a folder with one file a trajectory."""

from collections.abc import Collection
from pathlib import Path
from typing import ClassVar

from matey_core.errors import DataError, MateyError
from matey_core.readers import READERS, Reader, ReaderOptions, Source
from matey_core.readers._find import walk
from matey_core.readers._joined import Joined
from matey_core.readers.netcdf.files import is_netcdf, structure
from matey_core.readers.netcdf.header import open_dataset


@READERS.register("netcdf")
class NetcdfReader(Reader):
    """NetCDF-3 and NetCDF-4, told by content; dims and fields by CF, by name or by options."""

    uses: ClassVar[frozenset[str]] = frozenset(ReaderOptions.__dataclass_fields__) - {"join"}

    def recognizes(self, path: Path) -> bool:
        """Whether it is a NetCDF file, or a folder whose NetCDF files have one structure."""
        try:
            if path.is_file():
                return is_netcdf(path)
            return _is_one_source(_children(path))
        except (MateyError, OSError):
            return False

    def find(self, folder: Path, *, exclude: Collection[Path] = ()) -> list[Path]:
        """List folders whose files have one structure, and other files by themselves."""
        looked_at = [path for path in walk(folder, exclude) if path.is_file()]
        files = [path for path in looked_at if is_netcdf(path)]
        if not files:
            raise DataError(
                f"{folder} holds no NetCDF file ({len(looked_at)} files looked at).",
                remedy="Put NetCDF files there, or name another folder.",
            )
        if folder.is_file():
            return files
        siblings: dict[Path, list[Path]] = {}
        for file in files:
            siblings.setdefault(file.parent, []).append(file)
        sources = [
            [parent] if _is_one_source(children) else children
            for parent, children in siblings.items()
        ]
        return sorted(path for found in sources for path in found)

    def open(self, path: Path) -> Source:
        """Read the header of a file, or of all files of a folder."""
        if path.is_file():
            return open_dataset(path, self.options)
        files = _children(path)
        if not files:
            raise DataError(
                f"{path} holds no NetCDF file.", remedy="Name a NetCDF file, or a folder of them."
            )
        return Joined(path, [open_dataset(file, self.options) for file in files])


def _children(folder: Path) -> list[Path]:
    """NetCDF files directly in a folder, by name."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_file() and is_netcdf(path))


def _is_one_source(files: list[Path]) -> bool:
    return len({structure(path) for path in files}) == 1
