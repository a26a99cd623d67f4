"""The command that makes sense after one has ended."""

import shlex
from pathlib import Path

from matey_cli import render


def name_next(*words: object, data: Path | str | None = None, runs: Path | None = None) -> None:
    """Name a command in a note, with the folders that it would not find by itself.

    Args:
        words: the command and its arguments, without `matey`.
        data: folder of its stores, or their folder `zarr`.
        runs: folder of its runs.
    """
    from matey_core.runs.project import project

    here = project()
    line = ["matey", *map(str, words)]
    if data is not None and (folder := _without_zarr(str(data))) != _plain(here.data):
        line += ["--data", folder]
    if runs is not None and _plain(runs) != _plain(here.runs):
        line += ["--runs", _plain(runs)]
    render.note(f"Next: {shlex.join(line)}", wraps=False)


def _without_zarr(folder: str) -> str:
    """Stores are found in a folder and in its folder `zarr`."""
    return _plain(folder).removesuffix("/zarr") or "."


def _plain(folder: Path | str) -> str:
    """A folder as one types it: URLs as they are, paths relative where they can be."""
    text = str(folder)
    if "://" in text:
        return text.rstrip("/")
    path = Path(text)
    if path.is_absolute() and path.is_relative_to(Path.cwd()):
        path = path.relative_to(Path.cwd())
    return str(path)
