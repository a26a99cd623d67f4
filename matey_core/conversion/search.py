"""Sources of a tree, and what in it cannot be read."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from matey_core.errors import DataError, MateyError, NothingFoundError
from matey_core.files import leaving_out
from matey_core.readers import Reader, Source, walk


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A store, a source or a file that cannot be read."""

    path: Path
    problem: str
    remedy: str

    @classmethod
    def of(cls, path: Path, error: MateyError) -> "Failure":
        """Keep what an error says."""
        return cls(path=path, problem=str(error), remedy=error.remedy)


class Search:
    """Finds sources as if damaged files were not there, and knows which sources need those."""

    def __init__(
        self, make: Callable[[], Reader], folder: Path, exclude: Collection[Path] = ()
    ) -> None:
        """Find every source.

        Args:
            make: a new reader, which remembers nothing of an earlier search.
            folder: a folder or a single source.
            exclude: folders to leave out.

        Raises:
            DataError: there is none, or none that can be read.
        """
        self.reader = make()
        self.damaged: dict[Path, DataError] = {}
        """Files that cannot be read, and what is wrong with them."""
        try:
            self.paths = self.reader.find(folder, exclude=exclude)
        except NothingFoundError:
            raise
        except DataError as error:
            if not folder.is_dir():
                raise
            self.damaged = _damaged(make, folder, exclude)
            self.reader = make()
            try:
                with leaving_out(self.damaged):
                    self.paths = self.reader.find(folder, exclude=exclude)
            except NothingFoundError:
                raise error from None

    def open(self, path: Path) -> Source:
        """Open a source that was found.

        Raises:
            DataError: it cannot be read, or a damaged file seems to be a part of it.
            ConfigError: something has to be said about it.
        """
        with leaving_out(self.damaged):
            source = self.reader.open(path)
        below = [file for file in self.damaged if path != file and file.is_relative_to(path)]
        parts = {_place(file, path) for file in source.files if file.is_relative_to(path)}
        for file in below:
            if _place(file, path) in parts:
                raise DataError(
                    f"{path} would be incomplete without {file.relative_to(path)}, which cannot "
                    "be read.",
                    remedy="Replace the file, or move it away if it is no part of the source.",
                )
        return source


def _place(file: Path, folder: Path) -> tuple[int, str]:
    """What the files of one source have in common: how deep they lie, and the suffix."""
    return len(file.relative_to(folder).parts), file.suffix.lower()


def _damaged(
    make: Callable[[], Reader], folder: Path, exclude: Collection[Path]
) -> dict[Path, DataError]:
    """Ask for each file by itself what is wrong with it."""
    found = {}
    for path in walk(folder, exclude):
        if path.is_file():
            try:
                make().find(path)
            except NothingFoundError:
                continue
            except DataError as error:
                found[path] = error
    return found
