"""What a study keeps in its folder: values in a file, and the folder for itself."""

import errno
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from matey_core.errors import CheckpointError, RunError
from matey_core.training.checkpoint import written


class KeptValues(dict[str, Any]):
    """Measured values in a file: a study that goes on takes those that it began with."""

    def __init__(self, path: Path) -> None:
        """Read the file, if there is one.

        Raises:
            CheckpointError: it is damaged.
        """
        self.path = path
        if path.exists():
            try:
                super().__init__(json.loads(path.read_text(encoding="utf-8")))
            except (TypeError, ValueError) as error:
                raise CheckpointError(
                    f"{path} is damaged: {error}.", remedy="Remove it: it is measured again."
                ) from error

    def keep(self, values: Mapping[str, Any]) -> None:
        """Add values, and write all of them.

        Raises:
            RunError: the disk is full.
        """
        if values:
            self.update(values)
            with written(self.path) as partial:
                partial.write_text(json.dumps(self, indent=1) + "\n", encoding="utf-8")


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Keep other processes from working on the same study meanwhile.

    Raises:
        RunError: one does, or the folder cannot be written.
    """
    try:
        import fcntl
    except ImportError:  # not on Windows
        yield
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "lock").open("w")
    except OSError as error:
        raise RunError(f"{folder} cannot be written: {error.strerror or error}.") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(
                f"Another process is working on the study in {folder} just now.",
                remedy="Wait for it, or choose another folder with --out.",
            ) from None
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
                raise
        yield
