"""Real processes that run the command line, and are killed at a chosen moment.

They are forked by a server that has imported what they need, so that each starts at once.
"""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.killing_imports"])


def matey_process(
    folder: Path, *arguments: object, prepare: Callable[[], None] | None = None
) -> BaseProcess:
    """Start `matey` with arguments in a folder; its error output goes to `folder/stderr`.

    Args:
        folder: where it runs.
        arguments: of the command.
        prepare: is called before; a function that can be pickled.
    """
    process = CONTEXT.Process(
        target=_run, args=(folder, list(map(str, arguments)), prepare), daemon=True
    )
    process.start()
    return process


def ended(process: BaseProcess, *, seconds: float = 200) -> int:
    """Wait for the end of a process, and give its exit code, negative where a signal ended it."""
    process.join(seconds)
    if process.exitcode is None:
        process.kill()
        raise TimeoutError(f"The process had not ended after {seconds} s.")
    return process.exitcode


def matey_done(folder: Path, *arguments: object, prepare: Callable[[], None] | None = None) -> int:
    """Run `matey` with arguments in a folder to its end."""
    return ended(matey_process(folder, *arguments, prepare=prepare))


def wait_until(is_so: Callable[[], bool], *, seconds: float = 200) -> None:
    """Wait for something that another process does.

    Raises:
        TimeoutError: it has not happened.
    """
    deadline = time.monotonic() + seconds
    while not is_so():
        if time.monotonic() > deadline:
            raise TimeoutError(f"Nothing had happened after {seconds} s.")
        time.sleep(0.02)


class KillBeforeRename:
    """Kills this process, as `kill -9` would, right before one of the renames of a save."""

    def __init__(self, first: str, number: int) -> None:
        """Choose the rename.

        Args:
            first: name that the first rename of the save gives.
            number: 1 is that rename, 2 the one after it, and so on.
        """
        self.first, self.number = first, number

    def __call__(self) -> None:
        replace, seen = os.replace, [0]

        def counted(source: Path, target: Path) -> None:
            seen[0] += bool(seen[0]) or Path(target).name == self.first
            if seen[0] == self.number:
                os.kill(os.getpid(), signal.SIGKILL)
            replace(source, target)

        os.replace = counted  # type: ignore[assignment]


class HoldAtStep:
    """Keeps this process in a step until a file is there, so that a signal cannot come too late."""

    def __init__(self, run: Path, step: int, until: Path) -> None:
        """Choose the step.

        Args:
            run: whose journal says which steps are done.
            step: that must be done.
            until: the file.
        """
        self.journal, self.step, self.until = run / "journal.jsonl", step, until

    def __call__(self) -> None:
        import torch

        backward = torch.Tensor.backward

        def held(*arguments: object, **named: object) -> None:
            done = self.journal.exists() and f'"step": {self.step},' in self.journal.read_text()
            while done and not self.until.exists():
                time.sleep(0.01)
            backward(*arguments, **named)  # type: ignore[arg-type]

        torch.Tensor.backward = held  # type: ignore[assignment, method-assign]


SITE = """
from pathlib import Path
from tests.killing import HoldAtStep
HoldAtStep(Path({run!r}), {step}, until=Path({until!r}))()
"""
"""What Python imports by itself where it starts."""


def holding(folder: Path, run: Path, step: int) -> dict[str, str]:
    """Give an environment in which processes that train stay in a step, until they are killed.

    Args:
        folder: an empty place for a file.
        run: whose journal says which steps are done.
        step: that must be done.
    """
    folder.mkdir()
    site = SITE.format(run=str(run), step=step, until=str(folder / "never"))
    (folder / "sitecustomize.py").write_text(site)
    path = os.pathsep.join([str(folder), str(Path(__file__).parents[1])])
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}


def kill_at(process: "subprocess.Popen[bytes]", run: Path, step: int) -> None:
    """Kill a launcher when a step is done, and wait until its processes are gone as well."""

    def has_come() -> bool:
        assert process.poll() is None
        journal = run / "journal.jsonl"
        return journal.exists() and f'"step": {step},' in journal.read_text()

    wait_until(has_come)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    process.kill()
    process.wait()
    wait_until(lambda: not any(map(is_running, children)))


def is_running(process: str) -> bool:
    """Whether it exists and is no zombie that nobody waits for."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def _run(folder: Path, arguments: Sequence[str], prepare: Callable[[], None] | None) -> None:
    from matey_cli.app import main

    os.chdir(folder)
    os.environ["OMP_NUM_THREADS"] = "1"
    errors = os.open("stderr", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(errors, 2)
    os.dup2(os.open("stdout", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), 1)
    # A shell ignores it for what runs behind it, such as these tests.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.argv = ["matey", *arguments]
    if prepare is not None:
        prepare()
    main()
