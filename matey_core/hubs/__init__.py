"""Places that runs are shared through: Hugging Face, or a folder in its place.

A shared run is named `hub:OWNER/NAME`. It has JSON, TOML, text and safetensors, never pickles,
and nothing in it is trusted: names are checked before a file is written, and content when it is
read.
"""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from matey_core.errors import CheckpointError, ConfigError

SCHEME = "hub:"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,95}")
FILES = re.compile(
    r"config\.toml|README\.md|(versions|data|scores|start)\.json|journal\.jsonl"
    r"|model/[A-Za-z0-9][A-Za-z0-9_-]{0,95}\.(json|safetensors)"
)
"""What of a run is shared; no other file of a hub is fetched."""


class Hub(Protocol):
    """A place with shared runs."""

    def files(self, name: str) -> Sequence[str]:
        """List the files of a shared run, as paths with slashes."""
        ...

    def fetch(self, name: str, file: str, target: Path) -> None:
        """Write one of these files to `target`."""
        ...

    def publish(self, name: str, folder: Path) -> str:
        """Share all files of a folder, and return where they are."""
        ...


def is_hub_name(text: str | Path) -> bool:
    """Whether a run is named by a hub."""
    return str(text).startswith(SCHEME)


def checked_name(text: str | Path) -> str:
    """Take OWNER/NAME from `hub:OWNER/NAME`, or as it is.

    Raises:
        ConfigError: it is not of this form.
    """
    name = str(text).removeprefix(SCHEME)
    parts = name.split("/")
    if len(parts) != 2 or not all(map(NAME.fullmatch, parts)):
        raise ConfigError(
            f"{str(text)!r} is no name of a shared run: expected OWNER/NAME, of letters, digits, "
            "'-', '_' and '.'.",
            remedy="Write it as hub:OWNER/NAME.",
        )
    return name


def checked_files(name: str, files: Sequence[str]) -> list[str]:
    """Take the files that belong to a run.

    Raises:
        CheckpointError: a name would lead out of the run's folder, or it is no run.
    """
    for file in files:
        if file.startswith("/") or "\\" in file or ".." in file.split("/"):
            raise CheckpointError(
                f"{SCHEME}{name} has a file {file!r}, which leads out of the run's folder.",
                remedy="Do not use it, and report it to the hub.",
            )
    wanted = [file for file in files if FILES.fullmatch(file)]
    missing = {"config.toml", "versions.json", "data.json", "model/model.json"} - set(wanted)
    if missing:
        raise CheckpointError(
            f"{SCHEME}{name} is no shared run of matey: it lacks {', '.join(sorted(missing))}.",
            remedy="Check the name; `matey push RUN OWNER/NAME` shares a run.",
        )
    return wanted


def open_hub(folder: str | Path | None) -> Hub:
    """Open a folder that serves as hub; None for Hugging Face.

    Raises:
        ConfigError: the package for it is not installed.
    """
    if folder is not None:
        from matey_core.hubs.folder import FolderHub

        return FolderHub(Path(folder))
    from matey_core.hubs.huggingface import HuggingFaceHub

    return HuggingFaceHub()


__all__ = ["FILES", "SCHEME", "Hub", "checked_files", "checked_name", "is_hub_name", "open_hub"]
