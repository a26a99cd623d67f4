"""Source files and the disk: fingerprints, free space, no empty folders."""

import hashlib
import shutil
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from matey_core.errors import RunError
from matey_core.files import version
from matey_core.locations import is_remote
from matey_core.progress import OnProgress, Progress
from matey_core.readers import Source

BLOCK = 2**22
"""Bytes read at a time."""


class Stamp(NamedTuple):
    """What tells at a glance that a source has not changed."""

    size: int
    mtime_ns: int
    identity: str
    """Digest of which files they are, and of times that nobody can set back."""


def stamp(source: Source) -> Stamp:
    """Size in bytes and time of the last change of a source's files, and which they are."""
    found = [file.stat() for file in files_of(source)]
    which = [version(status) for status in found]
    return Stamp(
        size=sum(s.st_size for s in found),
        mtime_ns=max((s.st_mtime_ns for s in found), default=0),
        identity=hashlib.sha256(repr(which).encode()).hexdigest()[:16],
    )


def files_of(source: Source) -> list[Path]:
    """The files of a source, in order."""
    found = (sorted(p.rglob("*")) if p.is_dir() else [p] for p in source.files)
    return [path for paths in found for path in paths if path.is_file()]


class Fingerprints:
    """SHA-256 of sources, files or folders, each computed once, in a thread of its own."""

    def __init__(self, on_progress: OnProgress) -> None:
        self._on_progress = on_progress
        self._known: dict[Path, Future[str]] = {}
        self._stop = threading.Event()
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._done: dict[Path, float] = {}

    def __enter__(self) -> "Fingerprints":
        return self

    def __exit__(self, *_: object) -> None:
        """Stop computing."""
        self._stop.set()
        self._thread.shutdown(cancel_futures=True)

    def start(self, path: Path, files: Sequence[Path]) -> None:
        """Begin with the source at `path`, made of `files`; its fingerprint will be asked for."""
        if path not in self._known:
            self._known[path] = self._thread.submit(self._compute, path, files)

    def __getitem__(self, source: Source) -> str:
        """Wait for the fingerprint of a source."""
        path = source.path
        self.start(path, files_of(source))
        total = float(stamp(source).size)
        while True:
            try:
                return self._known[path].result(timeout=0.1)
            except TimeoutError:
                done = self._done.get(path, 0.0)
                task = f"fingerprint {path.name}"
                self._on_progress(Progress(task=task, done=done, total=total, unit="B"))

    def _compute(self, path: Path, files: Sequence[Path]) -> str:
        digest = hashlib.sha256()
        if path.is_dir():
            digest.update("\0".join(file.relative_to(path).as_posix() for file in files).encode())
        buffer = bytearray(BLOCK)
        for name in files:
            with name.open("rb", buffering=0) as file:
                while (count := file.readinto(buffer)) and not self._stop.is_set():
                    digest.update(memoryview(buffer)[:count])
                    self._done[path] = self._done.get(path, 0.0) + count
        return digest.hexdigest()


def check_space(folder: Path, needed: int) -> None:
    """Raise before the work where the disk is too small for it.

    Raises:
        RunError: fewer than `needed` bytes are free.
    """
    if is_remote(folder):
        return
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
    is_new = not is_remote(folder) and not folder.exists()
    try:
        yield
    except BaseException:
        if is_new and folder.exists() and not any(folder.iterdir()):
            folder.rmdir()
        raise
