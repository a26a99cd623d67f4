"""A terminal of 80 × 24 that lines are typed into, and what it showed."""

import shlex
import shutil
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COLUMNS, LINES = 80, 24
PROMPT = "$ "
SETTINGS = """
set -g history-limit 20000
set -g default-terminal screen-256color
set -g status off
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A line that was typed, how it ended, and how long it took."""

    line: str
    code: int
    seconds: float


@dataclass
class Terminal:
    """A shell within tmux, in a folder."""

    folder: Path
    socket: str
    ends: Path
    """Gets the exit code of each line, one after another."""
    typed: list[Typed] = field(default_factory=list)

    def type(self, line: str, *, patience: float = 300.0) -> int:
        """Type a line, wait for its end, and return its exit code."""
        began, count = time.monotonic(), len(self._codes())
        self._keys(line)
        _until(lambda: len(self._codes()) > count, patience, line, self.text)
        code = int(self._codes()[count])
        self.typed.append(Typed(line=line, code=code, seconds=time.monotonic() - began))
        return code

    def python(self, *lines: str, patience: float = 120.0) -> None:
        """Type lines into `python`, one after another, and leave it."""
        began, count = time.monotonic(), len(self._codes())
        self._keys("python -q")
        for line in (*lines, "exit()"):
            _until(lambda: self.text().rstrip().endswith("\n>>>"), patience, line, self.text)
            self._keys(line)
        _until(lambda: len(self._codes()) > count, patience, "exit()", self.text)
        code = int(self._codes()[count])
        self.typed.append(Typed(line="python", code=code, seconds=time.monotonic() - began))

    def text(self) -> str:
        """All that the terminal showed, in lines of its width."""
        return self._tmux("capture-pane", "-p", "-S", "-").rstrip()

    def _codes(self) -> list[str]:
        return self.ends.read_text().split()[1:]  # The first is that of the first prompt.

    def _keys(self, line: str) -> None:
        self._tmux("send-keys", "-l", line)
        self._tmux("send-keys", "Enter")

    def _tmux(self, *words: str) -> str:
        return subprocess.run(
            ["tmux", "-L", self.socket, *words], check=True, capture_output=True, text=True
        ).stdout


@contextmanager
def terminal(folder: Path, scratch: Path) -> Iterator[Terminal]:
    """Open a terminal whose `matey` and `python` are those of the tests.

    Args:
        folder: where its shell begins.
        scratch: a folder for what it needs itself.
    """
    commands = scratch / "bin"
    commands.mkdir()
    python = shlex.quote(sys.executable)
    for name, words in (("python", ""), ("matey", "-m matey_cli")):
        (commands / name).write_text(f'#!/bin/sh\nexec {python} {words} "$@"\n')
        (commands / name).chmod(0o755)
    ends = scratch / "ends"
    ends.touch()
    (scratch / "settings").write_text(SETTINGS)
    made = Terminal(folder=folder, socket=f"matey-{uuid.uuid4().hex[:8]}", ends=ends)
    environment = {
        "PATH": f"{commands}:/usr/local/bin:/usr/bin:/bin",
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": str(scratch),
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "PS1": PROMPT,
        "PROMPT_COMMAND": f"echo $? >> {shlex.quote(str(ends))}",
    }
    shell = ["env", "-i", "TERM=screen-256color", *(f"{k}={v}" for k, v in environment.items())]
    where = ["new-session", "-d", "-x", str(COLUMNS), "-y", str(LINES), "-c", str(folder)]
    command = shlex.join([*shell, "bash", "--norc", "--noprofile"])
    subprocess.run(
        ["tmux", "-u", "-L", made.socket, "-f", str(scratch / "settings"), *where, command],
        check=True,
    )
    try:
        _until(ends.read_text, 20.0, "the first prompt", made.text)
        yield made
    finally:
        subprocess.run(["tmux", "-L", made.socket, "kill-server"], check=False)


def has_terminal() -> bool:
    """Whether tmux is there, which draws the terminal."""
    return shutil.which("tmux") is not None


def _until(
    is_so: Callable[[], object], patience: float, line: str, text: Callable[[], str]
) -> None:
    deadline = time.monotonic() + patience
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{line}: not ended after {patience:g} s\n{text()}")
        time.sleep(0.05)
