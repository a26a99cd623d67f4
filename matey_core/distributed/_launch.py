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
from typing import IO

from matey_core.distributed._parent import VARIABLE
from matey_core.sequence_group import BROKEN
from matey_core.signals import INTERRUPTED, TERMINATED, handled

GRACE_SECONDS = 5.0
"""What the others are given to fail by themselves once one process has failed."""

WRONG_INPUT = 2
"""Exit code of a mistake that every process finds by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchResult:
    """How the processes ended."""

    exit_code: int
    error_output: str = ""
    """What a silent process wrote to its error output, where the first does not say it."""


def launch(arguments: Sequence[str], *, num_processes: int) -> LaunchResult:
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
        if _have_ended_well(processes):
            return LaunchResult(exit_code=0)
        return _result(processes, errors)


def _start(
    command: Sequence[str], environment: dict[str, str], silenced: IO[bytes] | None
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,  # see `end_with_launcher`
        stdout=subprocess.DEVNULL if silenced else None,
        stderr=silenced,
        # Ctrl-C reaches this process alone, which passes it on.
        start_new_session=True,
    )


def _environment(rank: int, size: int, port: int) -> dict[str, str]:
    threads = max(1, (os.cpu_count() or 1) // size)
    return {
        "OMP_NUM_THREADS": str(threads),
        # Nothing of a torchrun around this: these processes find each other by themselves.
        **{key: value for key, value in os.environ.items() if not key.startswith("TORCHELASTIC")},
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(size),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        VARIABLE: "1",
    }


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _have_ended_well(processes: Sequence[subprocess.Popen[bytes]]) -> bool:
    """Wait until all have ended, or one has failed and the others have had time to notice.

    After a signal each ends when the first has saved, so that none of them ends others too early.
    """
    while any(process.poll() is None for process in processes):
        if any(process.poll() for process in processes):
            _wait(processes, GRACE_SECONDS)
            return False
        time.sleep(0.05)
    return not any(process.poll() for process in processes)


def _result(
    processes: Sequence[subprocess.Popen[bytes]], errors: Sequence[IO[bytes]]
) -> LaunchResult:
    codes = [process.poll() or 0 for process in processes]
    code = codes[0] or next(code for code in codes if code)
    error_output = ""
    if codes[0] not in (WRONG_INPUT, INTERRUPTED, TERMINATED):
        # Otherwise the first process has said it already, and the others say the same.
        error_output = next(
            filter(None, (_error_output(file) for file in errors[1:])), _killed(codes)
        )
    return LaunchResult(exit_code=code if code > 0 else 128 - code, error_output=error_output)


def _killed(codes: Sequence[int]) -> str:
    """Say which process a signal has ended: it could not say so itself."""
    for rank, code in enumerate(codes):
        if code < 0:
            why = "; it may have run out of memory" if code == -signal.SIGKILL else ""
            return f"Process {rank} was killed by {signal.Signals(-code).name}{why}."
    return ""


def _error_output(file: IO[bytes]) -> str:
    file.seek(0)
    text = file.read().decode(errors="replace").strip()
    return "" if BROKEN in text else text


@contextmanager
def _ended_together(processes: list[subprocess.Popen[bytes]]) -> Iterator[None]:
    """Pass signals on, so that the processes end when they have saved; leave none behind."""
    interrupts = 0

    def pass_on(number: int, frame: FrameType | None) -> None:
        nonlocal interrupts
        interrupts += number == signal.SIGINT
        for process in processes:
            process.send_signal(number)
        if interrupts > 1:  # they have been asked twice, and may hang
            raise KeyboardInterrupt

    try:
        with handled(pass_on):
            yield
    except KeyboardInterrupt:
        _wait(processes, GRACE_SECONDS)
        raise
    finally:
        for process in processes:
            process.terminate()
        _wait(processes, GRACE_SECONDS)
        for process in processes:
            process.kill()
            process.wait()


def _wait(processes: Sequence[subprocess.Popen[bytes]], seconds: float) -> None:
    patience = time.monotonic() + seconds
    while any(process.poll() is None for process in processes) and time.monotonic() < patience:
        time.sleep(0.05)
