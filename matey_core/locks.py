"""A folder that one process at a time works in."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from matey_core.errors import RunError


@contextmanager
def locked(folder: Path, *, busy: str) -> Iterator[None]:
    """Keep other processes from working in a folder until the block ends.

    File systems without locks, and Windows, let everybody in.

    Args:
        folder: is made where it is not there; it gets a file `lock`.
        busy: what to say where another process is working in it.

    Raises:
        RunError: another process is, or the folder cannot be written.
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
        raise RunError(
            f"{folder} cannot be written: {error.strerror or error}.",
            remedy="Check who may write it, or choose another folder.",
        ) from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RunError(
                busy, remedy="Wait for it, or choose another folder with --out."
            ) from None
        except OSError as error:
            if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
                raise
        yield
