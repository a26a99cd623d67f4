"""How a run was started, for those who repeat it."""

import subprocess
from pathlib import Path

import torch

from matey_core.runs.circumstances import circumstances, commit


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c")
    done = subprocess.run(
        ["git", "-C", str(folder), *identity, *words], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def test_the_commit_of_a_clone_says_whether_files_differ(tmp_path: Path) -> None:
    assert commit(tmp_path) is None
    git(tmp_path, "init", "-q")
    assert commit(tmp_path) is None  # there is no commit yet
    (tmp_path / "a.txt").write_text("1")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    head = git(tmp_path, "rev-parse", "HEAD")
    assert commit(tmp_path) == head
    (tmp_path / "a.txt").write_text("2")
    assert commit(tmp_path) == f"{head}+changes"


def test_threads_processes_and_processor_are_recorded() -> None:
    found = circumstances()
    assert found["threads"] == torch.get_num_threads()
    assert found["processes"] == 1
    assert found["cpu"]
