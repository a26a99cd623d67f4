"""Readers of files that are datasets: a file by itself, or a folder with a file a trajectory."""

from abc import abstractmethod
from collections.abc import Collection, Hashable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from matey_core.errors import ConfigError, DataError, MateyError, NothingFoundError
from matey_core.files import entries_of
from matey_core.quantities import names_a_field
from matey_core.readers import Reader, ReaderOptions, Source
from matey_core.readers._find import walk
from matey_core.readers.netcdf.clock import in_time, moments_in_time
from matey_core.readers.netcdf.source import DatasetSource
from matey_core.sources.in_time import look_like_steps, runs_in
from matey_core.sources.joined import Joined
from matey_core.sources.parts import opened_parts


class FileReader(Reader):
    """Files told by their content, and folders whose files have one structure."""

    uses: ClassVar[frozenset[str]] = frozenset(ReaderOptions.__dataclass_fields__)
    name: ClassVar[str]
    """Of the reader, for the error text."""
    kind: ClassVar[str]
    """What its files are called."""

    def __init__(self, options: ReaderOptions | None = None) -> None:
        """Take the options.

        Raises:
            ConfigError: files are said to be fields.
        """
        super().__init__(options)
        if self.options.join == "field":
            raise ConfigError(
                f"The reader {self.name} has its fields in every file, and takes no --join field.",
                remedy="Say --join time or --join sample, or leave the option out.",
            )

    @abstractmethod
    def is_one(self, path: Path) -> bool:
        """Whether a file has the format, by content.

        Raises:
            DataError: it is named like one and is none.
        """

    @abstractmethod
    def structure(self, path: Path) -> Hashable:
        """Say what variables a file has: what the files of one source have in common."""

    @abstractmethod
    def open_file(self, path: Path) -> DatasetSource:
        """Read the header of a file."""

    def recognizes(self, path: Path) -> bool:
        """Whether it is such a file, or a folder whose files have one structure."""
        try:
            if path.is_file():
                return self.is_one(path)
            return self._is_one_source(self._children(path))
        except (MateyError, OSError):
            return False

    def find(self, folder: Path, *, exclude: Collection[Path] = ()) -> list[Path]:
        """List folders whose files have one structure, and other files by themselves."""
        looked_at = [path for path in walk(folder, exclude) if path.is_file()]
        files = [path for path in looked_at if self.is_one(path)]
        if not files:
            raise NothingFoundError(
                f"{folder} holds no {self.kind} file ({len(looked_at)} files looked at).",
                remedy=f"Put {self.kind} files there, or name another folder.",
            )
        if folder.is_file():
            self.structure(folder)  # A damaged file is found to be, also by itself.
            return files
        siblings: dict[Path, list[Path]] = {}
        for file in files:
            siblings.setdefault(file.parent, []).append(file)
        if self.options.join == "time":
            places = {parent.parent for parent in siblings if parent != folder}
            runs = {place: runs_in(place, self._children) for place in places}
            within = {run: place for place, found in runs.items() for run in found}
            return sorted({within.get(parent, parent) for parent in siblings})
        sources = [
            [parent] if self._is_one_source(children) else children
            for parent, children in siblings.items()
        ]
        return sorted(path for found in sources for path in found)

    def open(self, path: Path) -> Source:
        """Read the header of a file, or of all files of a folder."""
        if path.is_file():
            return self.open_file(path)
        files = self._children(path)
        if not files and self.options.join == "time" and (runs := runs_in(path, self._children)):
            return Joined(path, [self._joined(run, self._children(run)) for run in runs])
        if not files:
            raise DataError(
                f"{path} holds no {self.kind} file.", remedy="Name a file, or a folder of them."
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
        sources = opened_parts(files, self.open_file)
        if join == "time":
            return in_time(path, sources, self.options)
        if join == "auto" and (found := moments_in_time(path, sources, self.options)):
            return found
        joined = Joined(path, sources)
        if join == "auto":
            notes = (*joined.header.notes, *look_like_steps(sources))
            joined.header = replace(joined.header, notes=notes)
        return joined

    def _children(self, folder: Path) -> list[Path]:
        """Files of the format directly in a folder, by name."""
        return [path for path in entries_of(folder) if path.is_file() and self.is_one(path)]

    def _is_one_source(self, files: Sequence[Path]) -> bool:
        return len({self.structure(path) for path in files}) == 1
