"""Stores in object storage, which renames nothing."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from matey_core.conversion.place import JOURNAL, ChunkFile, StorePlace


class Bucket(StorePlace):
    """A prefix: a store exists once its `zarr.json` does, which is written last."""

    MARK = "zarr.json"
    patience = 5.0

    @property
    def _fs(self) -> Any:
        return self.path.fs  # type: ignore[attr-defined]

    def _key(self, path: Path) -> str:
        return str(path.path)  # type: ignore[attr-defined]

    @property
    def chunks(self) -> Path:
        """Folder of the store's own files until it is complete."""
        return self.path

    def create(self, name: str, *, past_cache: bool = False) -> ChunkFile:
        """Open a file of the store for writing."""
        return self._fs.open(self._key(self.path / name), "wb")

    def note(self, name: str, text: str) -> None:
        """Write a note, whole or not at all."""
        self._fs.pipe_file(self._key(self.partial / name), text.encode())

    def append(self, lines: Iterable[str]) -> None:
        """Add lines to the journal."""
        text = "".join(line + "\n" for line in lines)
        number = time.time_ns()  # objects cannot grow: every call makes one more
        self.note(f"{JOURNAL}/{number:020d}", text)

    def journal(self) -> list[str]:
        """All complete lines of the journal."""
        folder = self._key(self.partial / JOURNAL)
        self._fs.invalidate_cache()
        with suppress(FileNotFoundError):
            names = sorted(self._fs.find(folder))
            return [
                line for name in names for line in self._fs.cat_file(name).decode().splitlines()
            ]
        return []

    def clear(self) -> None:
        """Remove all that was written, not the store that is there already."""
        self._remove(self.partial)
        if not self._fs.exists(self._key(self.path / self.MARK)):
            self._remove(self.path)

    def start_over(self) -> None:
        """Make room for new files."""
        self._remove(self.path / self.MARK)  # first: from here on it is no store
        self._remove(self.path)
        self._remove(self.partial)

    def publish(self, metadata: dict[str, bytes]) -> None:
        """Write the metadata and give the store its name; remove the notes."""
        for name, content in metadata.items():
            if name != self.MARK:
                self._fs.pipe_file(self._key(self.path / name), content)
        self._fs.pipe_file(self._key(self.path / self.MARK), metadata[self.MARK])
        self._remove(self.partial)

    def _remove(self, path: Path) -> None:
        with suppress(FileNotFoundError):
            self._fs.rm(self._key(path), recursive=True)
        self._fs.invalidate_cache()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Do nothing: object storage knows no locks."""
        yield
