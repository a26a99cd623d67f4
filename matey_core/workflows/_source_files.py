"""Source files and the disk: fingerprints, free space, no empty folders."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from matey_core.errors import RunError
from matey_core.workflows._progress import OnProgress, Progress

BLOCK = 2**22
"""Bytes read at a time."""


class Fingerprints:
    """SHA-256 of sources, files or folders, each computed once."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._known: dict[Path, str] = {}

    def __getitem__(self, path: Path) -> str:
        if path not in self._known:
            self._known[path] = self._compute(path)
        return self._known[path]

    def _compute(self, path: Path) -> str:
        files = [path]
        digest = hashlib.sha256()
        if path.is_dir():
            files = sorted(file for file in path.rglob("*") if file.is_file())
            digest.update("\0".join(file.relative_to(path).as_posix() for file in files).encode())
        total, done = sum(file.stat().st_size for file in files), 0
        for name in files:
            with name.open("rb") as file:
                while block := file.read(BLOCK):
                    digest.update(block)
                    done += len(block)
                    task = f"fingerprint {path.name}"
                    self._on_progress(
                        Progress(task=task, done=float(done), total=float(total), unit="B")
                    )
        return digest.hexdigest()


def check_space(folder: Path, needed: int) -> None:
    """Raise before the work where the disk is too small for it.

    Raises:
        RunError: fewer than `needed` bytes are free.
    """
    places = (folder.absolute(), *folder.absolute().parents)
    free = shutil.disk_usage(next(place for place in places if place.exists())).free
    if needed > free:
        raise RunError(
            f"{folder} needs {needed / 1e9:.3g} GB; {free / 1e9:.3g} GB are free.",
            remedy="Free some space, choose another folder with --out, or use --limit.",
        )


@contextmanager
def no_empty_folder(folder: Path) -> Iterator[None]:
    """Leave no new, empty folder behind where nothing came of the work."""
    is_new = not folder.exists()
    try:
        yield
    except BaseException:
        if is_new and folder.exists() and not any(folder.iterdir()):
            folder.rmdir()
        raise
