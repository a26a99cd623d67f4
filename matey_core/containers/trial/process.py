"""The other process that reads HDF5 metadata first: how it starts, is asked, and ends."""

import contextlib
import fcntl
import gc
import json
import os
import signal
import subprocess
import sys
import threading
import warnings
from multiprocessing.spawn import get_executable
from pathlib import Path
from typing import IO, NoReturn

import h5py

from matey_core.containers.trial import child
from matey_core.processes import BLAS_THREADS

CHILD = Path(child.__file__)


class FirstReader:
    """A process that reads the metadata of one file after another, until its input ends."""

    def __init__(self, seconds: float) -> None:
        """Start it.

        Args:
            seconds: of the processor, which it may take for one call of the library.

        Raises:
            OSError: no process can be started.
        """
        self.pid: int
        self._spawned: subprocess.Popen[str] | None = None
        self._code: int | None = None
        self._asks: IO[str]
        self._answers: IO[str]
        if may_fork():
            self._fork(seconds)
        else:
            self._spawn(seconds)

    def reads(self, path: Path) -> bool:
        """Whether it reads a file through; False means that it has ended, or is about to."""
        try:
            self._asks.write(json.dumps(os.path.abspath(path)) + "\n")
            self._asks.flush()
            return bool(self._answers.readline())
        except BrokenPipeError:
            return False

    def is_alive(self) -> bool:
        """Whether it can be asked."""
        if self._spawned is not None:
            return self._spawned.poll() is None
        if self._code is None:
            ended, status = os.waitpid(self.pid, os.WNOHANG)
            self._code = os.waitstatus_to_exitcode(status) if ended else None
        return self._code is None

    def wait(self) -> int:
        """Wait for its end; give its exit code, or minus the signal that ended it."""
        if self._spawned is not None:
            return self._spawned.wait()
        if self._code is None:
            self._code = os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])
        return self._code

    def end(self) -> None:
        """End it at once, unless it has ended."""
        if self.is_alive():
            os.kill(self.pid, signal.SIGKILL)
            self.wait()
        self._close()

    def leave(self) -> None:
        """Leave it to the process that this one was forked from."""
        self._code = 0
        if self._spawned is not None:
            self._spawned.returncode = 0
        self._close()

    def _close(self) -> None:
        with contextlib.suppress(BrokenPipeError):  # a path that it did not live to read
            self._asks.close()
        self._answers.close()

    def _fork(self, seconds: float) -> None:
        asked, asks = os.pipe()
        answers, answered = os.pipe()
        with warnings.catch_warnings():
            # Python warns of the threads of BLAS, which are prepared for it.
            warnings.simplefilter("ignore", DeprecationWarning)
            self.pid = os.fork()
        if not self.pid:
            _serve(asked, answered, seconds)
        os.close(asked)
        os.close(answered)
        self._asks, self._answers = os.fdopen(asks, "w"), os.fdopen(answers)

    def _spawn(self, seconds: float) -> None:
        places = os.pathsep.join(map(os.path.abspath, sys.path))
        spawned = subprocess.Popen(
            # Without the script's folder among the places of modules.
            [get_executable(), "-S", "-P", os.fspath(CHILD), str(seconds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="ascii",
            env={**os.environ, "PYTHONPATH": places, BLAS_THREADS: "1"},
            process_group=0,  # Ctrl-C is for the parent
        )
        assert spawned.stdin is not None
        assert spawned.stdout is not None
        self._spawned, self.pid = spawned, spawned.pid
        self._asks, self._answers = spawned.stdin, spawned.stdout


def may_fork() -> bool:
    """Whether a copy of this process can read HDF5; one that starts anew takes 0.1 s longer.

    A lock of another thread would never open in the copy, and the library would take what it
    knows of an open file for the one that is asked about.
    """
    is_alone = threading.active_count() == 1
    open_files = h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_FILE)
    return sys.platform == "linux" and is_alone and not open_files


def _serve(asked: int, answered: int, seconds: float) -> NoReturn:
    """Answer in the forked process, with nothing of the parent open; never return."""
    code = 1
    try:
        os.setpgid(0, 0)  # Ctrl-C is for the parent
        gc.disable()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_DFL)
        # Above those of the standard streams, which may be closed in the parent.
        kept = [fcntl.fcntl(pipe, fcntl.F_DUPFD, 3) for pipe in (asked, answered)]
        kept.append(os.open(os.devnull, os.O_WRONLY))
        for stream, pipe in enumerate(kept):
            os.dup2(pipe, stream)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        child.MOST_SECONDS = seconds
        child.main(os.fdopen(0), os.fdopen(1, "w"))
        code = 0
    finally:
        os._exit(code)
