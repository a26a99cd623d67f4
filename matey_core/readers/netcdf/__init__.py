"""NetCDF: any CF-like file, or a folder with one file a trajectory."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from matey_core.errors import ConfigError, DataError, MateyError
from matey_core.quantities import names_a_field
from matey_core.readers import READERS, Reader, ReaderOptions, Source
from matey_core.readers._find import walk
from matey_core.readers._in_time import look_like_steps, runs_in
from matey_core.readers._joined import Joined
from matey_core.readers.netcdf.clock import in_time, moments_in_time
from matey_core.readers.netcdf.files import is_netcdf, structure
from matey_core.readers.netcdf.header import open_dataset


@READERS.register("netcdf")
class NetcdfReader(Reader):
    """NetCDF-3 and NetCDF-4, told by content; dims and fields by CF, by name or by options."""

    uses: ClassVar[frozenset[str]] = frozenset(ReaderOptions.__dataclass_fields__)

    def __init__(self, options: ReaderOptions | None = None) -> None:
        """Take the options.

        Raises:
            ConfigError: files are said to be fields.
        """
        super().__init__(options)
        if self.options.join == "field":
            raise ConfigError(
                "The reader netcdf has its fields in every file, and takes no --join field.",
                remedy="Say --join time or --join sample, or leave the option out.",
            )

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
        if self.options.join == "time":
            places = {parent.parent for parent in siblings if parent != folder}
            runs = {place: runs_in(place, _children) for place in places}
            within = {run: place for place, found in runs.items() for run in found}
            return sorted({within.get(parent, parent) for parent in siblings})
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
        if not files and self.options.join == "time" and (runs := runs_in(path, _children)):
            return Joined(path, [self._joined(run, _children(run)) for run in runs])
        if not files:
            raise DataError(
                f"{path} holds no NetCDF file.", remedy="Name a NetCDF file, or a folder of them."
            )
        return self._joined(path, files)

    def _joined(self, path: Path, files: Sequence[Path]) -> Source:
        join = self.options.join
        if join == "auto" and len(files) > 1 and all(names_a_field(file.stem) for file in files):
            raise ConfigError(
                f"{path} holds {', '.join(file.name for file in files)}: named like fields, and of "
                "the same variables. It is not clear whether they are trajectories.",
                remedy="Say --join sample if each is a trajectory; otherwise put all fields of a "
                "trajectory into one file.",
            )
        sources = [open_dataset(file, self.options) for file in files]
        if join == "time":
            return in_time(path, sources, self.options)
        if join == "auto" and (found := moments_in_time(path, sources, self.options)):
            return found
        joined = Joined(path, sources)
        if join == "auto":
            notes = (*joined.header.notes, *look_like_steps(sources))
            joined.header = replace(joined.header, notes=notes)
        return joined


def _children(folder: Path) -> list[Path]:
    """NetCDF files directly in a folder, by name."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_file() and is_netcdf(path))


def _is_one_source(files: list[Path]) -> bool:
    return len({structure(path) for path in files}) == 1
