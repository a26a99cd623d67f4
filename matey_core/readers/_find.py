"""Looking for sources in a tree of folders: what every reader's `find` is made of."""

import os
import warnings
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from matey_core.containers.hdf5 import is_hdf5
from matey_core.errors import DataError, MateyWarning, NothingFoundError
from matey_core.files import entries_of, read_json
from matey_core.locations import is_remote

ZARR_FILES = ("zarr.json", ".zgroup", ".zarray")
"""One of them makes a folder a Zarr group or array, whatever its name."""


def walk(folder: Path, exclude: Collection[Path] = ()) -> Iterator[Path]:
    """Yield `folder` and the files and folders below it, sorted, a folder before its content.

    Links are followed, and no folder is entered twice, so loops end. A Zarr group or array is
    one thing: it is yielded and not entered. Stores that `prepare` has written are left out,
    and so is whatever is half-written (`NAME.partial`) or neither file nor folder. So are forecasts
    that `rollout` has written, unless `folder` is one.

    Args:
        folder: a folder or a file.
        exclude: folders to leave out, with all below them.

    Raises:
        DataError: `folder` does not exist.

    Warns:
        MateyWarning: forecasts are left out.
    """
    if not folder.exists():
        raise DataError(f"{folder} does not exist.", remedy="Name a folder or a file with data.")
    if is_remote(folder):
        yield folder
        return
    seen = {os.path.realpath(path) for path in exclude}
    waiting, forecasts = [folder], []
    while waiting:
        path = waiting.pop()
        if path.suffix == ".partial":
            continue
        if not _is_folder(path):
            if _is_file(path):
                yield path
            continue
        real = os.path.realpath(path)
        attributes = _attributes(path)
        if real in seen or "matey_layout" in attributes:
            continue
        seen.add(real)
        if path != folder and _is_forecast(attributes):
            forecasts.append(str(path))
            continue
        yield path
        if not is_zarr(path):
            waiting += reversed(entries_of(path))
    if forecasts:
        more = f" and {len(forecasts) - 3} more" if len(forecasts) > 3 else ""
        warnings.warn(
            f"left out, as they are forecasts of a model: {', '.join(forecasts[:3])}{more}. One "
            "that is named itself is read.",
            MateyWarning,
            stacklevel=1,  # one place, so that it is said once, however many readers look
        )


def find_hdf5(folder: Path, exclude: Collection[Path]) -> list[Path]:
    """List HDF5 files below `folder`, by signature and not by name, in sorted order.

    Raises:
        DataError: the folder is missing or has none, or a file that is named
            like HDF5 is not HDF5.
    """
    candidates = [path for path in walk(folder, exclude) if path.is_file()]
    found = [path for path in candidates if is_hdf5(path)]
    if not found:
        raise NothingFoundError(
            f"{folder} holds no HDF5 file ({len(candidates)} files looked at).",
            remedy="Put PDEBench files there, or name another folder.",
        )
    return found


def is_zarr(folder: Path) -> bool:
    """Whether a folder is a Zarr group or array, by its content or its name."""
    return folder.suffix == ".zarr" or any(_is_file(folder / name) for name in ZARR_FILES)


def _attributes(folder: Path) -> dict[str, Any]:
    """What a Zarr 3 group says of itself; nothing where a folder is none."""
    try:
        attributes = read_json(folder / "zarr.json")["attributes"]
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return attributes if isinstance(attributes, dict) else {}


def _is_forecast(attributes: Mapping[str, Any]) -> bool:
    """Whether these are attributes of what `rollout` has written."""
    made = attributes.get("provenance")
    return isinstance(made, dict) and made.keys() >= {"model", "store"}


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False
