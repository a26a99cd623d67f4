"""How a run was started: command, commit of a clone, processor, threads, processes."""

import subprocess
from pathlib import Path
from typing import Any

import torch

from matey_core.distributed import place_of_this_process
from matey_core.machine import command_line, cores, cpu_model

ROOT = Path(__file__).parents[2]
"""Folder of the packages; in a clone, that of the repository."""
SECONDS = 5.0
"""That git may take."""


def circumstances() -> dict[str, Any]:
    """Describe how this process was started, and on what."""
    return {
        "command": command_line(),
        "commit": commit(ROOT),
        "cpu": cpu_model(),
        "cores": cores(),
        "threads": torch.get_num_threads(),
        "processes": place_of_this_process().size,
    }


def commit(folder: Path) -> str | None:
    """Commit of a clone, with `+changes` behind it where files differ; None for no clone."""
    if not (folder / ".git").exists():
        return None
    try:
        head = _git(folder, "rev-parse", "HEAD")
        changes = _git(folder, "status", "--porcelain", "--untracked-files=no")
    except (OSError, subprocess.SubprocessError):
        return None
    return f"{head}+changes" if changes else head


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *words],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    )
    return done.stdout.strip()
