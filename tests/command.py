"""The command line as a user types it: what the fixtures that run it give to tests."""

import json
import subprocess
from collections.abc import Callable
from typing import Any

Result = subprocess.CompletedProcess[str]
Matey = Callable[..., Result]
"""Arguments, and `cwd` → exit code, stdout and stderr."""


def document(done: Result) -> Any:
    """The one JSON document that a command gave with `--json`."""
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)
