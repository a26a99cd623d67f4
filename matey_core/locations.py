"""Where stores lie: folders on this machine, or prefixes in object storage."""

from pathlib import Path
from typing import Annotated, cast

from pydantic import PlainSerializer, PlainValidator

from matey_core.errors import ConfigError, DataError, install_extra

SCHEME = "://"
SCHEMES = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "file", "memory")
"""What a URL may begin with; other schemes would let a mere path ask any server for anything."""


def location(text: str | Path) -> Path:
    """Turn a path or a URL such as `s3://bucket/data` into something that works like a Path.

    What comes of a URL has the methods of `Path` (it is a `UPath`) but is none.

    Raises:
        ConfigError: a URL whose packages are not installed, or that is of no object storage.
    """
    if not isinstance(text, str) or SCHEME not in text:
        return Path(text) if isinstance(text, str) else text
    if (scheme := text.partition(SCHEME)[0]) not in SCHEMES:
        raise ConfigError(
            f"{text} cannot be used: matey does not connect to {scheme}{SCHEME} addresses.",
            remedy=f"Give a folder, or object storage: {', '.join(SCHEMES[:7])}.",
        )
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


def is_url(text: str) -> bool:
    """Whether a text would be taken for a URL."""
    return SCHEME in text


def recorded_location(text: str, *, asked_for: Path | None = None) -> Path:
    """Turn a location that a file of unknown origin names into a path.

    A run or a study must not decide where this machine connects, with whose keys: a URL is used
    only if it lies below one that the user has given.

    Args:
        text: what the file says.
        asked_for: what the user has given.

    Raises:
        DataError: a URL that the user has not given.
    """
    if not is_url(text):
        return Path(text)
    place = str(asked_for).rstrip("/") if asked_for is not None else ""
    is_below = text == place or text.startswith(f"{place}/")
    if not is_url(place) or not is_below or ".." in text.split("/"):
        raise DataError(
            f"{text} is recorded as the place of the data; matey connects only to addresses that "
            "you give.",
            remedy="If you know it, give it, or the folder above it, with --data.",
        )
    return location(text)


def is_remote(path: Path) -> bool:
    """Whether a location is not on this machine's file systems."""
    return not isinstance(path, Path)


def own_name(path: Path) -> str:
    """Name of a file or folder, also of one written as `.` or `..`; empty for a root."""
    return path.name if path.name not in ("", "..") else path.resolve().name


def _setting(value: object) -> Path:
    """Take a setting that is a path, a `UPath` or their text."""
    if isinstance(value, str):
        return location(value)
    if hasattr(value, "joinpath"):
        return cast(Path, value)
    raise ValueError("should be a path or a URL")


Location = Annotated[
    Path,
    PlainValidator(_setting),
    PlainSerializer(str),
]
"""A setting that is a path or a URL."""
