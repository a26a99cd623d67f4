"""A folder that serves as hub: OWNER/NAME/files, such as a shared drive."""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matey_core.durable import written
from matey_core.errors import CheckpointError
from matey_core.files import check_regular


@dataclass(frozen=True, slots=True)
class FolderHub:
    """Shared runs below a folder."""

    folder: Path

    def files(self, name: str) -> Sequence[str]:
        """List the files of a shared run; links are none."""
        place = self.folder / name
        if not place.is_dir():
            raise CheckpointError(
                f"{self.folder} has no shared run {name}.",
                remedy="Check the name, or name another folder with --hub.",
            )
        paths = (path for path in place.rglob("*") if not path.is_symlink() and path.is_file())
        return sorted(path.relative_to(place).as_posix() for path in paths)

    def fetch(self, name: str, file: str, target: Path) -> None:
        """Copy a file."""
        source = self.folder / name / file
        check_regular(source)
        shutil.copyfile(source, target)

    def publish(self, name: str, folder: Path) -> str:
        """Copy a folder, as readable as new files are; what had the name before is replaced."""
        place = self.folder / name
        with written(place) as partial:
            shutil.copytree(folder, partial, copy_function=shutil.copyfile)
        return str(place)
