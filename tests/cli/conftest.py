"""The command line as a user starts it: in this process, or where it matters in another."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from matey_cli.app import main
from tests.support import tiny_store

Result = subprocess.CompletedProcess[str]
Matey = Callable[..., Result]


@pytest.fixture
def process(tmp_path: Path) -> Matey:
    """Run `python -m matey_cli` in an empty directory, or in `cwd`."""

    def run(*arguments: object, cwd: Path = tmp_path, **environment: str) -> Result:
        return subprocess.run(
            [sys.executable, "-m", "matey_cli", *map(str, arguments)],
            cwd=cwd,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def matey(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Matey:
    """Do the same in this process, which has paid for importing torch already."""

    def run(*arguments: object, cwd: Path = tmp_path) -> Result:
        line = ["matey", *map(str, arguments)]
        with monkeypatch.context() as patch:
            patch.chdir(cwd)
            patch.setattr(sys, "argv", line)
            with pytest.raises(SystemExit) as stop:
                main()
        captured = capsys.readouterr()
        return subprocess.CompletedProcess(line, int(str(stop.value)), captured.out, captured.err)

    return run


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with two small stores and their sources in ./data."""
    folder = tmp_path_factory.mktemp("project")
    tiny_store(folder / "data", name="flat_periodic", shape=(32, 32))
    tiny_store(folder / "data", name="line_periodic", shape=(64,), samples=4)
    return folder
