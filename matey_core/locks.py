"""A folder that one process at a time works in."""

import errno
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from matey_core.errors import RunError
from matey_core.files import opener

try:
    import fcntl
except ImportError:  # not on Windows
    fcntl = None  # type: ignore[assignment]

PATIENCE = 3.0
"""Seconds until another process counts as working: one that was killed may be about to end."""
PAUSE = 0.1


@contextmanager
def locked(
    folder: Path, *, busy: str, remedy: str = "Wait for it, or choose another folder with --out."
) -> Iterator[None]:
    """Keep other processes from working in a folder until the block ends.

    File systems without locks, and Windows, let everybody in.

    Args:
        folder: is made where it is not there; it gets a file `lock`, which says who works in it.
        busy: what to say where another process is working in it.
        remedy: what to do then.

    Raises:
        RunError: another process is, or the folder cannot be written.
    """
    if fcntl is None:
        yield
        return
    deadline = time.monotonic() + PATIENCE
    while True:
        with _opened(folder) as file:
            if _is_free(file) and _is_there(file):
                _sign(file)
                yield
                return
            if time.monotonic() > deadline:
                raise RunError(" ".join(filter(None, (busy, _holder(file)))), remedy=remedy)
        time.sleep(PAUSE)


def _is_free(file: IO[str]) -> bool:
    assert fcntl is not None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP):
            raise
    return True


def _is_there(file: IO[str]) -> bool:
    """Whether the lock is still the one of its folder: who had it before may have removed it."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), os.stat(file.name))
    except FileNotFoundError:
        return False


def _opened(folder: Path) -> IO[str]:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return open(folder / "lock", "a+", encoding="utf-8", opener=opener)
    except OSError as error:
        raise RunError(
            f"{folder} cannot be written: {error.strerror or error}.",
            remedy="Check who may write it, or name another folder.",
        ) from error


def _sign(file: IO[str]) -> None:
    """Write who holds the lock; on a full disk the lock stays without a name."""
    now = time.strftime("%Y-%m-%d %H:%M")
    who = {"process": os.getpid(), "machine": socket.gethostname(), "since": now}
    with suppress(OSError):
        file.truncate(0)
        os.write(file.fileno(), json.dumps(who).encode())


def _holder(file: IO[str]) -> str:
    """Say who holds the lock, where that can be read."""
    try:
        file.seek(0)
        found = json.load(file)
        return (
            f"It is process {found['process']} on {found['machine']}, since {found['since']} there."
        )
    except (OSError, ValueError, KeyError, TypeError):
        return ""
