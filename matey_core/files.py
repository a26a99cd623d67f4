"""Files of unknown origin: only regular ones are opened, and none is written through a link."""

import json
import os
import re
import shutil
import stat
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from matey_core.errors import MateyError, RunError

MOST_BYTES = 64 * 2**20
"""Larger JSON, TOML or text is damage: what matey writes has some kilobytes."""
_LEFT_OUT: ContextVar[frozenset[Path]] = ContextVar("left_out", default=frozenset())
"""Files that are not listed."""


def check_regular(path: str | Path) -> None:
    """Raise for a pipe, a device or a socket, which would block or never end.

    Raises:
        OSError: it is one. What is not there, or is a folder, is left to the caller.
    """
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        raise OSError(f"{path} is a pipe or a device, not a file")


def check_regular_below(folder: Path) -> None:
    """Raise if there is a pipe, a device or a socket in a folder or below it.

    Raises:
        OSError: there is one.
    """
    waiting = [os.fspath(folder)]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(entry.path)
                elif not entry.is_file():
                    check_regular(entry.path)


def entries_of(folder: Path) -> list[Path]:
    """What lies in a folder, sorted, but for what is left out; nothing if it may not be read."""
    try:
        return sorted(set(folder.iterdir()) - _LEFT_OUT.get())
    except OSError:
        return []


@contextmanager
def leaving_out(paths: Collection[Path]) -> Iterator[None]:
    """Have `entries_of` list folders as if some files were not there."""
    token = _LEFT_OUT.set(_LEFT_OUT.get() | frozenset(paths))
    try:
        yield
    finally:
        _LEFT_OUT.reset(token)


def version(status: os.stat_result) -> tuple[int, ...]:
    """What differs when a file was changed or exchanged, whatever times it was given."""
    return status.st_size, status.st_mtime_ns, status.st_ino, status.st_ctime_ns


def read_bytes(path: Path) -> bytes:
    """Read a small file, on this machine or in object storage.

    Raises:
        OSError: it cannot be read, or is no regular file.
        ValueError: it has more than `MOST_BYTES`.
    """
    if isinstance(path, Path):
        check_regular(path)
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise ValueError(f"{size:,} bytes, where at most {MOST_BYTES:,} are expected")
    return path.read_bytes()


def read_text(path: Path) -> str:
    """Read a small file of UTF-8.

    Raises:
        OSError: it cannot be read, or is no regular file.
        ValueError: it is no UTF-8, or has more than `MOST_BYTES`.
    """
    return read_bytes(path).decode("utf-8")


def read_json(path: Path) -> Any:
    """Read a small file of JSON.

    Raises:
        OSError: it cannot be read, or is no regular file.
        ValueError: it is no JSON, is nested too deep, or has more than `MOST_BYTES`.
    """
    return parse_json(read_bytes(path))


def parse_json(text: str | bytes) -> Any:
    """Parse JSON.

    Raises:
        ValueError: it is none, is nested too deep, or has text that no UTF-8 or a number that no
            float can hold.
    """
    content = text if isinstance(text, bytes) else text.encode()
    try:
        # Only numbers that look so are checked, which takes its time.
        is_long = re.search(rb"\d{300}", content)
        value = json.loads(text, parse_int=_whole_number if is_long else None)
        if re.search(rb"\\u[dD][89a-fA-F]", content):
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    return value


def _whole_number(digits: str) -> int:
    number = int(digits)
    try:
        float(number)
    except OverflowError as error:
        raise ValueError(f"a whole number of {len(digits):,} digits") from error
    return number


def remove(path: Path) -> None:
    """Remove a file, a folder with all in it, or a link but not what it leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def remove_links(folder: Path) -> None:
    """Remove a folder if it is a link, and otherwise all links in it and below.

    For folders of unfinished work, which have no links unless somebody put them there.
    """
    if folder.is_symlink():
        folder.unlink()
        return
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            if os.path.islink(path := os.path.join(place, name)):
                os.unlink(path)


def check_no_links(*folders: Path) -> None:
    """Refuse to work in folders with links, through which files elsewhere might be changed.

    Links in the place of unfinished work (`NAME.partial`) are removed instead.

    Raises:
        RunError: something in a folder is a link.
    """
    for path in [entry for folder in folders if folder.is_dir() for entry in folder.iterdir()]:
        if path.is_symlink() and path.suffix == ".partial":
            path.unlink()
        check_no_link(path)


def check_no_link(path: Path) -> None:
    """Refuse to write into what is a link.

    Raises:
        RunError: it is one.
    """
    if path.is_symlink():
        raise RunError(
            f"{path} is a link to {os.readlink(path)}; writing there could change files of others.",
            remedy="Remove the link, or put what it leads to in its place.",
        )


def opener(path: str, flags: int) -> int:
    """Open a file for `open(…, opener=opener)`, unless it is a link."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def check_is_utf8(path: str | Path, error: type[MateyError]) -> None:
    r"""Refuse a path that is not UTF-8: it could be recorded in no store and no run.

    Raises:
        MateyError: of the kind `error`; names the path with such bytes as `\xff`.
    """
    shown = re.sub("[\ud800-\udfff]", lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", str(path))
    if shown != str(path):
        raise error(
            f"{shown} is not UTF-8, so that no store or run can record it.",
            remedy="Rename it, and the folders above it, in UTF-8; a link to it is not enough.",
        )
