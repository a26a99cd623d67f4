"""Where stores lie: folders on this machine, or prefixes in object storage."""

from pathlib import Path
from typing import Annotated

from pydantic import PlainSerializer, PlainValidator

from matey_core.errors import ConfigError, install_extra

SCHEME = "://"


def location(text: str | Path) -> Path:
    """Turn a path or a URL such as `s3://bucket/data` into something that works like a Path.

    What comes of a URL has the methods of `Path` (it is a `UPath`) but is none.

    Raises:
        ConfigError: a URL whose packages are not installed.
    """
    if not isinstance(text, str) or SCHEME not in text:
        return Path(text) if isinstance(text, str) else text
    try:
        from upath import UPath

        found = UPath(text)
        _ = found.fs
    except (ImportError, ValueError) as error:
        raise ConfigError(
            f"{text} cannot be reached: {error}.",
            remedy=f"For object storage: {install_extra('s3')}. For a folder, give its path.",
        ) from error
    return found  # type: ignore[return-value]


def is_remote(path: Path) -> bool:
    """Whether a location is not on this machine's file systems."""
    return not isinstance(path, Path)


def own_name(path: Path) -> str:
    """Name of a file or folder, also of one written as `.` or `..`; empty for a root."""
    return path.name if path.name not in ("", "..") else path.resolve().name


Location = Annotated[
    Path,
    PlainValidator(location),
    PlainSerializer(str),
]
"""A setting that is a path or a URL."""
