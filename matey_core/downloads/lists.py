"""Lists of published files: those that come with the package, and CSV files of the same form."""

import csv
import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any

from matey_core.errors import ConfigError, DataError
from matey_core.files import read_text

COLUMNS = ("group", "path", "url", "md5")
LISTS = tuple(sorted(file.stem for file in Path(__file__).parent.glob("*.csv")))
"""Names of the lists that come with the package."""
PUBLISHED_GB = {
    "1d_cfd": 88.0,
    "1d_reacdiff": 62.0,
    "2d_cfd": 551.0,
    "2d_reacdiff": 13.0,
    "3d_cfd": 285.0,
    "advection": 47.0,
    "burgers": 93.0,
    "darcy": 6.2,
    "diff_sorp": 4.0,
    "swe": 6.2,
}
"""Sizes of PDEBench's groups in GB, from its page of downloads; it has none for ns_incom."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A published file."""

    group: str
    """Files that belong together, such as all of one equation."""
    path: str
    """Where it lies below the folder of downloads, with slashes."""
    url: str
    md5: str
    """Hexadecimal digits of its checksum."""

    @property
    def name(self) -> str:
        """The last part of its path."""
        return PurePosixPath(self.path).name


def read_list(name: str) -> tuple[RemoteFile, ...]:
    """Read a list of the package by its name, or a CSV file with the columns of `COLUMNS`.

    Raises:
        ConfigError: it is neither.
        DataError: the file is not of this form.
    """
    is_ours = name.lower() in LISTS
    path = Path(__file__).with_name(f"{name.lower()}.csv") if is_ours else Path(name)
    if not is_ours and not path.is_file():
        raise ConfigError(
            f"LIST takes {', '.join(LISTS)} or a CSV file, not {name!r}.",
            remedy=f"Write matey download {LISTS[0]} --list, or check the path.",
        )
    try:
        rows = list(csv.DictReader(read_text(path).splitlines(), strict=True))
    except (OSError, ValueError, csv.Error) as error:
        raise _not_a_list(path, str(error)) from error
    if not rows or not set(COLUMNS) <= rows[0].keys():
        raise _not_a_list(path, "columns or files are missing")
    return tuple(_file(path, line, row) for line, row in enumerate(rows, start=2))


def choose(files: Sequence[RemoteFile], names: Sequence[str]) -> tuple[RemoteFile, ...]:
    """Choose files by group, file name, path or pattern such as `2D_CFD_*_128_*`.

    Capitals do not matter.

    Returns:
        The files, each once, in the order of the list.

    Raises:
        ConfigError: a name has no file.
    """
    for name in names:
        if not any(_matches(file, name) for file in files):
            known = list(dict.fromkeys(file.group for file in files))
            near = difflib.get_close_matches(name.lower(), known, n=1, cutoff=0.4)
            raise ConfigError(
                f"No file has the name or pattern {name!r}, nor does a group: "
                f"there are {', '.join(known)}.",
                remedy=f"Did you mean {near[0]!r}?"
                if near
                else "Name a group, or see --list for the files.",
            )
    return tuple(file for file in files if any(_matches(file, name) for name in names))


def _matches(file: RemoteFile, name: str) -> bool:
    pattern = name.lower()
    texts = (file.group.lower(), file.name.lower(), file.path.lower())
    return any(text == pattern or fnmatchcase(text, pattern) for text in texts)


def _file(path: Path, line: int, row: dict[Any, str | None]) -> RemoteFile:
    if None in row:
        raise _not_a_list(path, f"line {line} has more values than columns")
    values = {name: (row[name] or "").strip() for name in COLUMNS}
    parts = values["path"].split("/")
    if any(part in ("", ".", "..") for part in parts) or "\\" in values["path"]:
        raise _not_a_list(path, f"line {line}: the path {values['path']!r} leads elsewhere")
    if not re.fullmatch("[0-9a-f]{32}", values["md5"]):
        raise _not_a_list(path, f"line {line}: {values['md5']!r} is no MD5 of 32 digits")
    return RemoteFile(**values)


def _not_a_list(path: Path, reason: str) -> DataError:
    return DataError(
        f"{path} is no list of files: {reason}.",
        remedy=f"Write a CSV file whose first line is {','.join(COLUMNS)}.",
    )
