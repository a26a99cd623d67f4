"""Cases run in processes that may hang, crash or eat memory without harm to the others.

Everything heavy is imported once, and a forked process runs some cases: hundreds a minute.
"""

import faulthandler
import json
import os
import resource
import select
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from matey_core.containers import trial
from tests.fuzz.case import TOLD, Case, Outcome, remove

BATCH = 50
"""Cases of one process."""
MOST_SECONDS, MOST_WAIT = 10, 60
"""Of the processor, and by the clock, as other work may have the processor."""
MOST_MEMORY = 6 * 2**30
"""Address space of a process, so that a bomb hits no other work."""


def run(cases: list[Case], folder: Path) -> Iterator[Outcome]:
    """Run cases one after another; a new process takes over where one dies."""
    while cases:
        done = 0
        for outcome in _batch(cases[:BATCH], folder):
            done += 1
            yield outcome
        cases = cases[done:]


def _batch(cases: list[Case], folder: Path) -> Iterator[Outcome]:
    """Yield what a process finds; the last case may be the one that it died of."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _work(cases, folder, writing)
    os.close(writing)
    watched = _Watched(child, reading)
    for case in cases:
        line, fault = watched.line()
        if line:
            yield Outcome(**json.loads(line))
            continue
        yield _lost(case, folder, fault)
        break
    os.close(reading)
    watched.end()


def _work(cases: list[Case], folder: Path, writing: int) -> None:
    """Run cases in the forked process, a line of JSON each, and end it."""
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        log = (folder / "stack.txt").open("w")
        faulthandler.register(signal.SIGUSR1, file=log, all_threads=False)
        trial.MOST_SECONDS = 0.3  # endless files are many here
        for case in cases:
            place = folder / str(case.index)
            remove(place)  # begun by a process that was stopped while it worked
            place.mkdir()
            outcome = case.run(place)
            os.chdir(folder)
            if not outcome.faults:
                remove(place)
            os.write(writing, json.dumps(outcome.as_dict()).encode() + b"\n")
        code = 0
    finally:
        os._exit(code)


def _lost(case: Case, folder: Path, fault: str) -> Outcome:
    told = folder / str(case.index) / TOLD
    done, line = (
        json.loads(told.read_text()) if told.exists() else ("none, a fault of the test", ())
    )
    stack = (folder / "stack.txt").read_text()
    return Outcome(
        index=case.index,
        subject=case.subject,
        damage=done,
        line=tuple(line),
        said=stack,
        faults=(fault,),
    )


class _Watched:
    """A process that sends lines, and the time that it takes for each."""

    def __init__(self, child: int, reading: int) -> None:
        self.child, self.reading = child, reading
        self._received = b""

    def line(self) -> tuple[bytes, str]:
        """Give the next line, or nothing and what became of the process."""
        started, used = time.monotonic(), self._seconds()
        while b"\n" not in self._received:
            if select.select([self.reading], [], [], 1.0)[0]:
                received = os.read(self.reading, 2**20)
                if not received:
                    return b"", f"died: {self.end()}"
                self._received += received
            elif self._seconds() - used > MOST_SECONDS or time.monotonic() - started > MOST_WAIT:
                os.kill(self.child, signal.SIGUSR1)
                time.sleep(0.5)
                os.kill(self.child, signal.SIGKILL)
                self.end()
                return b"", f"hangs: over {MOST_SECONDS} s of the processor"
        line, _, self._received = self._received.partition(b"\n")
        return line, ""

    def end(self) -> str:
        """Wait for the end of the process, once, and tell it."""
        if not self.child:
            return ""
        status = os.waitpid(self.child, 0)[1]
        self.child = 0
        return str(os.waitstatus_to_exitcode(status))

    def _seconds(self) -> float:
        fields = Path(f"/proc/{self.child}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
