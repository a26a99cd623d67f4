"""HDF5 files of unknown origin: another process reads their metadata first.

The HDF5 library loops for ever on some damaged files, and crashes on others. A process that only
reads shows it at no risk: it is killed by its own deadline. One process serves all files; it
starts with the first one and ends with this process.
"""

import atexit
import os
import signal
import threading
from pathlib import Path

from matey_core.containers.trial.process import FirstReader
from matey_core.errors import DataError, RunError
from matey_core.files import version
from matey_core.processes import is_worker

MOST_SECONDS = 2.0
"""Of the processor, for one call of the library: no sound file needs that, and waiting for a slow
disk is not counted."""
ENDED_BY_DEADLINE = -signal.SIGPROF

_lock = threading.Lock()
_reader: FirstReader | None = None
_verdicts: dict[tuple[int, ...], str] = {}
"""By what differs when a file changes: what is wrong with it, or nothing."""


def check_metadata(path: Path) -> None:
    """Have the metadata of an HDF5 file read by another process, once for each file.

    Workers ask for nothing: the process that they work for has asked.

    Raises:
        DataError: the HDF5 library loops or crashes on it. Other damage is not reported.
        RunError: no process can be started.
        OSError: the file is not there.
    """
    if is_worker():
        return
    status = path.stat()
    key = (status.st_dev, *version(status))
    with _lock:
        if key not in _verdicts:
            _verdicts[key] = _verdict(path)
        wrong = _verdicts[key]
    if wrong:
        raise DataError(f"{path} is damaged: {wrong}.", remedy="Download or copy it again.")


def _verdict(path: Path) -> str:
    """Ask the other process; give what is wrong with the file."""
    try:
        reader = _started()
    except OSError as error:
        raise RunError(
            f"No process can be started that reads {path} first: {error.strerror}.",
            remedy="End other processes, or allow this user more.",
        ) from error
    try:
        if reader.reads(path):
            return ""
    except BaseException:  # Ctrl-C: its answer must not count for another file
        end()
        raise
    code = reader.wait()
    end()
    if code == ENDED_BY_DEADLINE:
        return "the HDF5 library finds no end in its metadata"
    return f"the HDF5 library crashes on its metadata (exit code {code})"


def _started() -> FirstReader:
    global _reader
    if _reader is None or not _reader.is_alive():
        end()
        _reader = FirstReader(MOST_SECONDS)
    return _reader


def end() -> None:
    """End the other process, if there is one."""
    global _reader
    reader, _reader = _reader, None
    if reader is not None:
        reader.end()


def _forget() -> None:
    """Let a forked process start its own, and leave the other one to the parent."""
    global _reader, _lock
    reader, _reader, _lock = _reader, None, threading.Lock()
    if reader is not None:
        reader.leave()


atexit.register(end)
os.register_at_fork(after_in_child=_forget)
