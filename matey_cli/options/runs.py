"""Names of runs, for the shell's completion."""

import tomllib
from contextlib import suppress
from pathlib import Path


def run_names(incomplete: str) -> list[str]:
    """Runs of the working directory whose names begin like this, the newest first."""
    folder = Path("runs")
    with suppress(OSError, ValueError, RecursionError):
        project = tomllib.loads(Path("matey.toml").read_text(encoding="utf-8"))
        folder = Path(str(project.get("runs", folder)))
    found = (file.parent for file in folder.glob("*/config.toml"))
    names = [run.name for run in sorted(found, reverse=True) if run.name.isprintable()]
    return [name for name in names if name.startswith(incomplete)]
