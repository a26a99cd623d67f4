"""Stores in a folder of a file system: written beside the final name, then renamed."""

import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from matey_core.conversion import direct
from matey_core.conversion.place import JOURNAL, PLAN, ChunkFile, StorePlace
from matey_core.files import remove, remove_links
from matey_core.locks import locked

STORE = "store"
REPLACED = "replaced"


class Folder(StorePlace):
    """A folder of a file system: everything is written beside the final name, then renamed."""

    @property
    def chunks(self) -> Path:
        """Folder of the store's own files until it is complete."""
        return self.partial / STORE

    def create(self, name: str, *, past_cache: bool = False) -> ChunkFile:
        """Open a file of the store for writing."""
        path = self.chunks / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return direct.create(path) if past_cache else path.open("wb", buffering=0)

    def note(self, name: str, text: str) -> None:
        """Write a note, whole or not at all."""
        path = self.partial / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(text)
        fresh.replace(path)

    def append(self, lines: Iterable[str]) -> None:
        """Add lines to the journal."""
        with (self.partial / JOURNAL).open("a") as file:
            file.write("".join(line + "\n" for line in lines))

    def journal(self) -> list[str]:
        """All complete lines of the journal."""
        text = self.noted(JOURNAL) or ""
        complete, _, cut = text.rpartition("\n")
        if cut:  # killed in the middle of a line: what follows must start a new one
            self.note(JOURNAL, complete + "\n" if complete else "")
        return complete.splitlines()

    def clear(self) -> None:
        """Remove all that was written, not the store that is there already."""
        replaced = self.partial / REPLACED
        if replaced.exists() and not self.path.exists():
            replaced.rename(self.path)
        remove_folder(self.partial)

    def start_over(self) -> None:
        """Make room for new files."""
        for path in (self.chunks, self.partial / JOURNAL, self.partial / PLAN):
            remove_folder(path) if path.is_dir() else path.unlink(missing_ok=True)

    def publish(self, metadata: dict[str, bytes]) -> None:
        """Write the metadata and give the store its name; remove the notes."""
        for name, content in metadata.items():
            path = self.chunks / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        replaced = self.partial / REPLACED
        if self.path.exists():
            remove_folder(replaced)
            self.path.rename(replaced)
        self.chunks.rename(self.path)
        remove_folder(self.partial)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other processes from writing the same store meanwhile."""
        remove_links(self.partial)
        with locked(self.partial, busy=f"Another process is writing {self.path} just now."):
            yield


def remove_folder(folder: Path) -> None:
    """Remove a folder, even while a write that was interrupted still finishes in it."""
    for _ in range(50):
        remove(folder)
        if not os.path.lexists(folder):
            return
        time.sleep(0.02)
