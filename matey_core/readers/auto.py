"""Auto: everything in a tree that another reader recognizes without options."""

import warnings
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from matey_core.containers.hdf5 import is_hdf5, open_hdf5
from matey_core.containers.tree import is_container
from matey_core.errors import ConfigError, DataError, MateyWarning, NothingFoundError
from matey_core.readers import READERS, Reader, ReaderOptions, Source
from matey_core.readers._find import walk

SPECIFIC = ("the_well", "pdebench")
GENERAL = ("netcdf", "array", "hdf5")
"""Asked last: they take whatever is written in their format."""


@READERS.register("auto")
class AutoReader(Reader):
    """Asks the other readers, and opens a source with the one that knows it."""

    def __init__(self, options: ReaderOptions | None = None) -> None:
        super().__init__(options)
        self._readers: dict[str, Reader] = {}
        self._missing: dict[str, str] = {}
        """Readers whose packages are not installed, and what they say of it."""
        others = [name for name in READERS.names() if name not in ("auto", *SPECIFIC, *GENERAL)]
        for name in (*SPECIFIC, *others, *GENERAL):
            try:
                self._readers[name] = READERS[name]()
            except ConfigError as error:
                self._missing[name] = str(error)
        self._found: dict[Path, str] = {}

    def stem(self, name: str) -> str:
        """A source's name without the suffixes of the layout it was found to have."""
        for path, reader in self._found.items():
            if path.name == name:
                return self._readers[reader].stem(name)
        return super().stem(name)

    def recognizes(self, path: Path) -> bool:
        """Whether some reader recognizes it."""
        is_there = path.is_file() or path.is_dir()
        return is_there and any(reader.recognizes(path) for reader in self._readers.values())

    def reader_of(self, path: Path) -> str:
        """Name of the reader that a source is opened with: the first that recognizes it.

        Raises:
            DataError: none does.
        """
        if path in self._found:
            return self._found[path]
        for name, reader in self._readers.items():
            if reader.recognizes(path):
                return name
        raise DataError(
            f"{path} is nothing that a reader recognizes{self._asked()}.",
            remedy=self._advice([path]),
        )

    def find(self, folder: Path, *, exclude: Collection[Path] = ()) -> list[Path]:
        """List all sources in `folder` and below; what no reader knows is left alone."""
        looked_at = [path for path in walk(folder, exclude) if path.is_file()]
        for path in looked_at:
            if is_hdf5(path):
                with open_hdf5(path):
                    pass  # A damaged file is an error, as it is to the reader that it is for.
        for name, reader in self._readers.items():
            for path in _sources(reader, folder, exclude):
                self._found.setdefault(path, name)
        found = sorted(path for path in self._found if path.is_relative_to(folder))
        self._tell_left(found, looked_at)
        if not found:
            names = ", ".join(path.name for path in looked_at[:5])
            more = f" and {len(looked_at) - 5} more" if len(looked_at) > 5 else ""
            raise NothingFoundError(
                f"{folder} holds nothing that a reader recognizes{self._asked()}; looked at "
                f"{names or 'no file'}{more}.",
                remedy=self._advice(looked_at),
            )
        return found

    def open(self, path: Path) -> Source:
        """Open a source with the reader that recognizes it."""
        return self._readers[self.reader_of(path)].open(path)

    def _tell_left(self, found: Sequence[Path], looked_at: Iterable[Path]) -> None:
        """Name files that hold arrays and are left alone, as a person may know their layout."""
        known = {*found}
        others = [path for path in looked_at if known.isdisjoint((path, *path.parents))]
        left = [path for path in others if is_container(path)]
        if found and left:
            names = ", ".join(path.name for path in left[:5]) + (", …" if len(left) > 5 else "")
            warnings.warn(
                f"left alone, as no reader recognizes their layout: {names}. `matey data inspect "
                f"{left[0]}` lists what is inside, and proposes how to read it.",
                MateyWarning,
                stacklevel=2,
            )

    def _advice(self, paths: Iterable[Path]) -> str:
        """What to do with the first of the files that a reader has advice for."""
        found = (reader.advice(path) for path in paths for reader in self._readers.values())
        usual = "Name the reader, such as netcdf or array, and say what it cannot know."
        return next(filter(None, found), usual)

    def _asked(self) -> str:
        asked = f" (asked: {', '.join(self._readers)})"
        return asked + "".join(f". Not asked: {reason}" for reason in self._missing.values())


def _sources(reader: Reader, folder: Path, exclude: Collection[Path]) -> list[Path]:
    """What a reader finds and recognizes.

    Raises:
        DataError: a file of its format is damaged.
    """
    try:
        return [path for path in reader.find(folder, exclude=exclude) if reader.recognizes(path)]
    except NothingFoundError:
        return []
