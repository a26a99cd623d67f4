"""HDF5 files of unknown origin: another process reads their metadata first.

The HDF5 library loops for ever on some damaged files, and crashes on others. A process that only
reads shows it at no risk: it is killed by its own deadline. One process serves all files; it
starts with the first one and ends with this process.
"""

import atexit
import json
import os
import signal
import subprocess
import sys
import threading
from multiprocessing.spawn import get_executable
from pathlib import Path

from matey_core.errors import DataError, RunError
from matey_core.files import version
from matey_core.processes import BLAS_THREADS, is_worker

CHILD = Path(__file__).with_name("child.py")
MOST_SECONDS = 2.0
"""Of the processor, for one call of the library: no sound file needs that, and waiting for a slow
disk is not counted."""
ENDED_BY_DEADLINE = -signal.SIGPROF

_lock = threading.Lock()
_child: subprocess.Popen[str] | None = None
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
        child = _started()
    except OSError as error:
        raise RunError(
            f"No process can be started that reads {path} first: {error.strerror}.",
            remedy="End other processes, or allow this user more.",
        ) from error
    assert child.stdin is not None
    assert child.stdout is not None
    try:
        child.stdin.write(json.dumps(os.path.abspath(path)) + "\n")
        child.stdin.flush()
        if child.stdout.readline():
            return ""
    except BrokenPipeError:
        pass
    except BaseException:  # Ctrl-C: its answer must not count for another file
        end()
        raise
    code = child.wait()
    end()
    if code == ENDED_BY_DEADLINE:
        return "the HDF5 library finds no end in its metadata"
    return f"the HDF5 library crashes on its metadata (exit code {code})"


def _started() -> "subprocess.Popen[str]":
    global _child
    if _child is None or _child.poll() is not None:
        end()
        places = os.pathsep.join(map(os.path.abspath, sys.path))
        # Without the script's folder among the places of modules.
        command = [get_executable(), "-S", "-P", os.fspath(CHILD), str(MOST_SECONDS)]
        _child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="ascii",
            env={**os.environ, "PYTHONPATH": places, BLAS_THREADS: "1"},
            process_group=0,  # Ctrl-C is for the parent
        )
    return _child


def end() -> None:
    """End the other process, if there is one."""
    global _child
    child, _child = _child, None
    if child is not None:
        child.kill()
        child.communicate()


def _forget() -> None:
    """Let a forked process start its own, and leave the other one to the parent."""
    global _child, _lock
    child, _child, _lock = _child, None, threading.Lock()
    if child is not None:
        child.returncode = 0  # it is no child of this process
        for stream in (child.stdin, child.stdout):
            assert stream is not None
            stream.close()


atexit.register(end)
os.register_at_fork(after_in_child=_forget)
