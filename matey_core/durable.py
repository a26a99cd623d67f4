"""Files and folders that are complete or absent, after a kill and after a power cut."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from matey_core.errors import RunError
from matey_core.files import remove


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """Give a name to write under, and turn it into `path` when all went well.

    A folder is made if the caller does; what had the name `path` before is replaced. All of it is
    on the disk before it gets its name, and the name is on the disk when the block ends.

    Raises:
        RunError: the disk is full or not writable.
    """
    partial = path.with_name(path.name + ".partial")
    try:
        remove(partial)
        make_folder(partial.parent)
        yield partial
        sync_below(partial)
        if path.is_dir() or (partial.is_dir() and path.exists()):
            old = path.with_name(path.name + ".old.partial")
            remove(old)
            os.replace(path, old)
            os.replace(partial, path)
            sync(path.parent)
            remove(old)
        else:
            os.replace(partial, path)
            sync(path.parent)
    except (OSError, SafetensorError) as error:
        remove(partial)
        raise RunError(
            f"{path} cannot be written: {_reason(error)}.",
            remedy="Free some space, or choose another folder.",
        ) from error
    except BaseException:
        remove(partial)
        raise


def _reason(error: Exception) -> str:
    """What the system says; of a folder that was copied, what it says of the first file."""
    if isinstance(error, shutil.Error):
        [(_, _, text), *_] = error.args[0]
        return str(text)
    return getattr(error, "strerror", None) or str(error)


def make_folder(path: Path, *, exist_ok: bool = True) -> None:
    """Make a folder and those above it, and have their names on the disk.

    Raises:
        FileExistsError: it is there, and must not be.
    """
    new = [each for each in (path, *path.parents) if not each.exists()]
    path.mkdir(parents=True, exist_ok=exist_ok)
    for each in reversed(new):
        sync(each.parent)


def sync_below(path: Path) -> None:
    """Have a file, or a folder with all in it and below, on the disk."""
    if path.is_dir():
        for place, _, files in os.walk(path, topdown=False):
            for name in files:
                sync(Path(place, name))
            sync(Path(place))
    else:
        sync(path)


def sync(path: Path) -> None:
    """Have the content of a file, or the names in a folder, on the disk.

    Windows has no such thing for folders.
    """
    if os.name == "nt" and path.is_dir():
        return
    descriptor = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
