"""Where errors end: every kind of failure becomes a sentence and an exit code."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
import typer

from matey_cli import output
from matey_cli.app import _explain, _run
from matey_core.errors import DataError, Interrupted, RunError
from matey_core.tokenizers import TokenizerConfig


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (DataError("The file is odd.", remedy="Fix it."), 2, "The file is odd."),
        (RunError("It diverged."), 1, "It diverged."),
        (OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/a/b"), 1, "disk is full at /a/b"),
        (RuntimeError("file write failed: No space left on device"), 1, "disk is full"),
        (PermissionError(errno.EACCES, "Permission denied", "/a"), 1, "/a: Permission denied"),
        (MemoryError(), 1, "Out of memory"),
        (ModuleNotFoundError("x", name="netcdf"), 1, "'netcdf' is not installed"),
        (KeyError("level"), 1, "KeyError: 'level'"),
    ],
)
def test_explanations(error: Exception, code: int, words: str) -> None:
    problem, remedy, exit_code = _explain(error)
    assert words in problem
    assert exit_code == code
    assert bool(remedy) != isinstance(error, RunError)


def test_a_full_disk_is_found_behind_the_error_that_hid_it() -> None:
    error = RuntimeError("unexpected pos 64 vs 0")
    error.__context__ = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "disk is full" in _explain(error)[0]


@pytest.mark.parametrize("num_bytes", [2**46, 2**62])
def test_what_a_processor_has_no_memory_for_says_what_to_lower(num_bytes: int) -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(num_bytes, dtype=torch.uint8)
    hidden = ValueError("what hid it")
    hidden.__cause__ = caught.value
    for error in (caught.value, hidden):
        problem, remedy, code = _explain(error)
        assert (problem, code) == ("Out of memory.", 1)
        assert "--batch-size" in remedy


def test_settings_that_cannot_be_are_named() -> None:
    with pytest.raises(ValueError, match="gamma") as caught:
        TokenizerConfig(gamma=-1.0)
    problem, _, code = _explain(caught.value)
    assert problem == "budget.gamma: input should be greater than or equal to 0, found -1.0."
    assert code == 2


def test_a_fault_of_matey_says_so_without_a_traceback() -> None:
    code = (
        "import sys; from matey_cli import app\n"
        "import matey_core.workflows.tokenize_inspect as work\n"
        "def broken(*_): raise ValueError('seven')\n"
        "work.inspect = broken\n"
        "sys.argv = ['matey', 'tokenize-inspect']; app.main()"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr.splitlines() == [
        "error: ValueError: seven",
        "  This is a fault of matey; run again with --debug to see where it happened.",
    ]


@pytest.mark.parametrize(
    ("stop", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "Interrupted"),
        (Interrupted("", exit_code=143), 143, "Terminated"),
    ],
)
def test_a_signal_has_its_own_exit_code(
    stop: BaseException,
    code: int,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A training of a study has heard it, and the study ends as the training would have."""

    def main(*_: object, **__: object) -> None:
        raise stop

    monkeypatch.setattr(typer.main, "get_command", lambda app: SimpleNamespace(main=main))
    output.configure([])
    assert _run([]) == code
    assert f"error: {said}." in capsys.readouterr().err


def test_interrupting_long_work_leaves_nothing(tmp_path: Path) -> None:
    arguments = ["simulate", "diffusion-reaction", "--samples", "150", "--grid", "128"]
    process = subprocess.Popen(
        [sys.executable, "-m", "matey_cli", *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.rglob("*.new")) and time.monotonic() < deadline:
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert (out, err) == ("", "error: Interrupted.\n")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
