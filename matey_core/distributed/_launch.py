"""Start several copies of this program on this machine, and end them together."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import IO, NoReturn

GRACE_SECONDS = 5.0
"""What the others are given to fail by themselves once one process has failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How the processes ended."""

    exit_code: int
    complaint: str = ""
    """What the failed process wrote to its error output, unless that was shown already."""


def launch(arguments: Sequence[str], *, num_processes: int) -> Outcome:
    """Run `python -m <arguments>` in several processes that form one group.

    The first process has this one's output; the others are silent. When one fails, all
    are ended. They find each other as processes started by torchrun do.

    Args:
        arguments: module and its arguments, such as ("matey_cli", "pretrain").
        num_processes: how many to start.
    """
    command = [sys.executable, "-m", *arguments]
    port = _free_port()
    with ExitStack() as stack:
        errors = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(num_processes)]
        processes: list[subprocess.Popen[bytes]] = []
        stack.enter_context(_ended_together(processes))
        processes.extend(
            _start(command, _environment(rank, num_processes, port), errors[rank] if rank else None)
            for rank in range(num_processes)
        )
        failed = _first_failure(processes)
        if failed is None:
            return Outcome(exit_code=0)
        return _outcome(processes, failed, errors)


def _start(
    command: Sequence[str], environment: dict[str, str], silenced: IO[bytes] | None
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.DEVNULL if silenced else None,
        stderr=silenced,
        # Ctrl-C reaches this process alone, which passes it on.
        start_new_session=True,
    )


def _environment(rank: int, size: int, port: int) -> dict[str, str]:
    threads = max(1, (os.cpu_count() or 1) // size)
    return {
        "OMP_NUM_THREADS": str(threads),
        **os.environ,
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(size),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _first_failure(processes: Sequence[subprocess.Popen[bytes]]) -> int | None:
    """Wait until all have ended well (None) or one has not (its rank; the first's if it can be)."""
    while True:
        codes = [process.poll() for process in processes]
        if all(code == 0 for code in codes):
            return None
        if any(codes):
            break
        time.sleep(0.05)
    patience = time.monotonic() + GRACE_SECONDS
    while processes[0].poll() is None and time.monotonic() < patience:
        time.sleep(0.05)
    codes = [process.poll() for process in processes]
    return next(rank for rank, code in enumerate(codes) if code)


def _outcome(
    processes: Sequence[subprocess.Popen[bytes]], failed: int, errors: Sequence[IO[bytes]]
) -> Outcome:
    code = processes[failed].returncode
    complaint = ""
    if failed:
        errors[failed].seek(0)
        complaint = errors[failed].read().decode(errors="replace").strip()
    return Outcome(exit_code=code if code > 0 else 128 - code, complaint=complaint)


@contextmanager
def _ended_together(processes: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Pass an interrupt on, once, and leave no process behind."""
    before = signal.signal(signal.SIGTERM, _terminated)
    try:
        yield
    except KeyboardInterrupt:
        for process in processes:
            process.send_signal(signal.SIGINT)
        _wait(processes, GRACE_SECONDS)
        raise
    finally:
        for process in processes:
            process.terminate()
        _wait(processes, GRACE_SECONDS)
        for process in processes:
            process.kill()
            process.wait()
        signal.signal(signal.SIGTERM, before)


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _wait(processes: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
    patience = time.monotonic() + seconds
    while any(process.poll() is None for process in processes) and time.monotonic() < patience:
        time.sleep(0.05)
