"""Interruptions of a training at moments that a seed draws."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.killing import ended, matey_process
from tests.support import files_below
from tests.training import events

SIGNALS = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT)
RENAMES = 28
"""About as many as a training of the test does; a later one is never reached."""
HASTE = 0.05
"""Seconds after a step within which a signal comes, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """A signal, to whom and when."""

    signal: signal.Signals
    rename: int | None
    """Before which rename of the process it comes; None where a step decides."""
    step: int
    """Step after which it comes, 0 for the start."""
    delay: float
    """Seconds after the step."""
    to_rank: int | None
    """Which of several processes gets it; None for the launcher."""


def drawn(draw: random.Random, *, steps: int, processes: int) -> Interruption:
    """Draw a moment and a signal."""
    at_save = processes == 1 and draw.random() < 0.5
    return Interruption(
        signal=draw.choice(SIGNALS),
        rename=draw.randrange(1, RENAMES) if at_save else None,
        step=draw.randrange(steps),
        delay=draw.uniform(0, HASTE),
        to_rank=draw.choice([None, *range(processes)]) if processes > 1 else None,
    )


class AtRename:
    """Sends this process a signal right before one of its renames."""

    def __init__(self, number: int, number_of_signal: int) -> None:
        self.number, self.signal = number, number_of_signal

    def __call__(self) -> None:
        replace, seen = os.replace, [0]

        def counted(source: Path, target: Path) -> None:
            seen[0] += 1
            if seen[0] == self.number:
                os.kill(os.getpid(), self.signal)
            replace(source, target)

        os.replace = counted  # type: ignore[assignment]


def interrupted(folder: Path, line: Sequence[object], run: Path, what: Interruption) -> int:
    """Run a command in one process, interrupt it, and give its exit code."""
    at = None if what.rename is None else AtRename(what.rename, what.signal)
    process = matey_process(folder, *line, prepare=at)
    if at is None:
        _wait(run, what, is_over=lambda: process.exitcode is not None)
        if process.exitcode is None and process.pid is not None:
            os.kill(process.pid, what.signal)
    return ended(process)


def interrupted_group(
    folder: Path,
    line: Sequence[object],
    run: Path,
    what: Interruption,
    *,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Run a command in several processes, interrupt one, and wait for the end of all."""
    process = subprocess.Popen(
        [sys.executable, "-m", "matey_cli", *map(str, line)],
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # A shell ignores it for what runs behind it, such as these tests.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )
    _wait(run, what, is_over=lambda: process.poll() is not None)
    ranks = _ranks(process.pid)
    if process.poll() is None:
        os.kill(ranks.get(what.to_rank, process.pid), what.signal)
    code = process.wait(120)
    deadline = time.monotonic() + 60
    while any(map(_lives, ranks.values())):
        assert time.monotonic() < deadline, "a rank has outlived its launcher"
        time.sleep(0.05)
    return code


def check_equal(run: Path, whole: Path, *, steps: int) -> None:
    """Compare the journal and every byte of the last checkpoint and of the model."""
    for kind in ("step", "validation"):
        assert events(run, kind) == events(whole, kind)
    for folder in ("model", f"checkpoints/step-{steps:08d}"):
        found, expected = files_below(run / folder), files_below(whole / folder)
        assert expected
        assert found.keys() == expected.keys()
        assert [name for name, content in found.items() if content != expected[name]] == []
    for pointer in ("last", "best"):
        found, expected = (each / "checkpoints" / pointer for each in (run, whole))
        assert found.read_text() == expected.read_text()
    assert not list(run.rglob("*.partial"))


def _wait(run: Path, what: Interruption, *, is_over: Callable[[], bool]) -> None:
    """Wait for the moment, or the end of the process."""
    while not is_over() and not _has_come(run, what.step):
        time.sleep(0.01)
    time.sleep(what.delay)


def _has_come(run: Path, step: int) -> bool:
    if step == 0:
        return (run / "config.toml").exists()
    if not (run / "journal.jsonl").exists():
        return False
    return any(row["step"] >= step for row in events(run, "step"))


def _ranks(launcher: int) -> dict[int | None, int]:
    """Processes by rank."""
    found: dict[int | None, int] = {}
    children = Path(f"/proc/{launcher}/task/{launcher}/children")
    for each in children.read_text().split() if children.exists() else ():
        values = Path(f"/proc/{each}/environ").read_text().split("\0")
        rank = next((value[5:] for value in values if value.startswith("RANK=")), None)
        if rank is not None:
            found[int(rank)] = int(each)
    return found


def _lives(process: int) -> bool:
    try:
        return ") Z " not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False
