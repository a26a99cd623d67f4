"""Many files: what is there, what is to come, and fetching it."""

import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from matey_core.downloads.lists import RemoteFile
from matey_core.downloads.transfer import fetch, md5_of, partial_of, remote_size, size_of
from matey_core.errors import DataError, Interrupted, RunError
from matey_core.files import remove
from matey_core.locks import locked
from matey_core.progress import OnProgress, Progress, silent

ASKED_AT_ONCE = 8
"""Connections that ask for sizes at the same time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file, and how much of it is there."""

    file: RemoteFile
    num_bytes: int | None
    """None where the server does not say."""
    present: int
    """Bytes that are there already, of the file or of its beginning."""
    is_there: bool
    """Whether it is there with its final name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DownloadReport:
    """What is there and what is to come; after the download, what was fetched."""

    out: Path
    downloads: tuple[Download, ...]
    free: int
    """Bytes that the disk had left at the start."""
    seconds: float = 0.0
    fetched: tuple[Path, ...] = ()

    @property
    def num_bytes(self) -> int:
        """Bytes of all files whose size is known."""
        return sum(each.num_bytes or 0 for each in self.downloads)

    @property
    def is_complete(self) -> bool:
        """Whether every file is there; sizes may be unknown."""
        return all(each.is_there for each in self.downloads)

    @property
    def missing(self) -> int:
        """Bytes that are still to come, of files whose size is known."""
        waiting = (each for each in self.downloads if not each.is_there)
        return sum(max((each.num_bytes or 0) - each.present, 0) for each in waiting)


def plan(
    files: Sequence[RemoteFile], out: Path, on_progress: OnProgress = silent
) -> DownloadReport:
    """Ask for the sizes of files, and compare with what lies in a folder.

    Raises:
        ConfigError: a URL is not https.
        DataError: another file has the name of one of them.
        RunError: a server refuses or cannot be reached, or the disk is too small.
    """
    downloads = []
    with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
        for done, (file, size) in enumerate(zip(files, pool.map(remote_size, files), strict=True)):
            downloads.append(_compared(file, size, out))
            on_progress(Progress(task="sizes", done=done + 1, total=len(files), unit="files"))
    report = DownloadReport(out=out, downloads=tuple(downloads), free=_free(out))
    if report.missing > report.free:
        raise RunError(
            f"{out} has {report.free / 1e9:.1f} GB free, and {report.missing / 1e9:.1f} GB are "
            "still to come.",
            remedy="Free some space, choose fewer files, or another folder with --out.",
        )
    return report


def download(planned: DownloadReport, on_progress: OnProgress = silent) -> DownloadReport:
    """Fetch what is missing, one file after another.

    Raises:
        ConfigError: a redirection does not stay with https.
        DataError: the MD5 of a file is not the published one.
        RunError: a server refuses or cannot be reached, or another process downloads to there.
        Interrupted: Ctrl-C; the bytes that came are kept.
    """
    began, out = time.perf_counter(), planned.out
    waiting = [each.file for each in planned.downloads if not each.is_there]
    # Readers pass over names that end so.
    place = out / "download.partial"
    with locked(place, busy=f"Another download writes to {out} just now."):
        try:
            fetched = [fetch(file, out, on_progress=on_progress) for file in waiting]
        except KeyboardInterrupt as error:
            raise Interrupted(
                "download was stopped; the bytes that came are kept, and the same command goes on."
            ) from error
        remove(place)
    return DownloadReport(
        out=out,
        downloads=planned.downloads,
        free=planned.free,
        seconds=time.perf_counter() - began,
        fetched=tuple(fetched),
    )


def _compared(file: RemoteFile, size: int | None, out: Path) -> Download:
    """Say how much of a file is there.

    A file with its final name was checked when it got it. One of another size is another file:
    `matey simulate` writes the same names.
    """
    target = out / file.path
    if not target.exists():
        present = size_of(partial_of(target))
        return Download(file=file, num_bytes=size, present=present, is_there=False)
    present = size_of(target)
    if present != size and (size is not None or md5_of(target) != file.md5):
        raise DataError(
            f"{target} is not the published file: it has {present:,} bytes"
            f"{'' if size is None else f', and {size:,} were published'}.",
            remedy="Choose another folder with --out, or remove that file.",
        )
    return Download(file=file, num_bytes=size, present=present, is_there=True)


def _free(folder: Path) -> int:
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    return shutil.disk_usage(there).free
