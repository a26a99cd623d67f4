"""The command line in a process of its own, where that matters, and stores for it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command import Matey, Result
from tests.support import tiny_store


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


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A working directory with two small stores and their sources in ./data."""
    folder = tmp_path_factory.mktemp("project")
    tiny_store(folder / "data", name="flat_periodic", shape=(32, 32))
    tiny_store(folder / "data", name="line_periodic", shape=(64,), samples=4)
    return folder
