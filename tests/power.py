"""A disk that keeps only what was synchronized: a pessimistic model of a power cut.

A file has the bytes that it had when it was last synchronized, and is empty if it never was; a
folder has the names that it had when it was last synchronized itself.
"""

import os
import stat
from pathlib import Path

import pytest

Folders = dict[int, dict[str, tuple[int, bool]]]
"""Number of a folder → name → number of what has it, and whether that is a folder."""
Files = dict[int, bytes]


class Disk:
    """Remembers what is on the disk after every `fsync` of this process."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        """Begin with all that is below a folder."""
        self.root = root
        self.states: list[tuple[Folders, Files]] = [({}, {})]
        """After each `fsync`, one after another."""
        for place, _, files in os.walk(root):
            self._keep(Path(place))
            for name in files:
                self._keep(Path(place, name))
        self.states = self.states[-1:]
        fsync = os.fsync

        def noted(descriptor: int) -> None:
            fsync(descriptor)
            self._keep(Path(os.readlink(f"/proc/self/fd/{descriptor}")))

        patch.setattr(os, "fsync", noted)

    def restore(self, number: int, target: Path) -> None:
        """Write what was on the disk after so many `fsync` into a new folder."""
        folders, files = self.states[number]

        def write(node: int, path: Path, *, is_folder: bool) -> None:
            if is_folder:
                path.mkdir()
                for name, (inner, is_inner_folder) in folders.get(node, {}).items():
                    write(inner, path / name, is_folder=is_inner_folder)
            else:
                path.write_bytes(files.get(node, b""))

        write(self.root.stat().st_ino, target, is_folder=True)

    def _keep(self, path: Path) -> None:
        node = path.stat()
        folders, files = self.states[-1]
        if stat.S_ISDIR(node.st_mode):
            names = {each.name: (each.lstat().st_ino, each.is_dir()) for each in path.iterdir()}
            folders = {**folders, node.st_ino: names}
        else:
            files = {**files, node.st_ino: path.read_bytes()}
        self.states.append((folders, files))
